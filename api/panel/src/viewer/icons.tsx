import { Icon } from "../app/icons";

export const CrossIcon = () => <Icon weight={2.2}><path d="M12 2v7M12 15v7M2 12h7M15 12h7" /><circle cx="12" cy="12" r=".8" fill="currentColor" /></Icon>;
export const TurnLeftIcon = () => <Icon weight={2.2}><path d="M4 8.5C8 5 17 5 20 9.5c2 3.5-2 6.5-8 6.5M8.5 3.5L3.6 8.6l5.6 3.6" /></Icon>;
export const TurnRightIcon = () => <Icon weight={2.2}><path d="M20 8.5C16 5 7 5 4 9.5c-2 3.5 2 6.5 8 6.5M15.5 3.5l4.9 5.1-5.6 3.6" /></Icon>;
export const TiltUpIcon = () => <Icon weight={2.2}><path d="M8.5 20C5 16 5 7 9.5 4c3.5-2 6.5 2 6.5 8M3.5 15.5l5.1 4.9 3.6-5.6" transform="matrix(1 0 0 -1 0 24)" /></Icon>;
export const TiltDownIcon = () => <Icon weight={2.2}><path d="M8.5 20C5 16 5 7 9.5 4c3.5-2 6.5 2 6.5 8M3.5 15.5l5.1 4.9 3.6-5.6" /></Icon>;
export const MarkIcon = () => <Icon weight={2.2}><path d="M12 21.5C8 16.5 5 13 5 9.2a7 7 0 0 1 14 0c0 3.8-3 7.3-7 12.3z" /><circle cx="12" cy="9.2" r="2.4" /></Icon>;
export const ClearIcon = () => <Icon weight={2.4}><path d="M5 5l14 14M19 5L5 19" /></Icon>;
export const CompareIcon = () => <Icon weight={2.2}><rect x="2.5" y="5" width="8" height="14" rx="1" /><rect x="13.5" y="5" width="8" height="14" rx="1" /></Icon>;
