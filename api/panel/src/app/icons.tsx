import type { ReactNode } from "react";

/** Drawn on a 24-unit grid, in the colour of the text around them. Words stand beside them, so they are hidden from readers. */
export function Icon({ children, weight = 2.4 }: { children: ReactNode; weight?: number }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={weight} aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const OCTAGON = "M8.2 1.8h7.6l6.4 6.4v7.6l-6.4 6.4H8.2l-6.4-6.4V8.2z";
const DIAMOND = "M12 1.2L22.8 12 12 22.8 1.2 12z";

export const OkIcon = () => <Icon><circle cx="12" cy="12" r="10.2" /><path d="M7 12.4l3.5 3.5L17 8.8" /></Icon>;
export const NotOkIcon = () => <Icon><path d={OCTAGON} /><path d="M8.2 8.2l7.6 7.6m0-7.6l-7.6 7.6" /></Icon>;
export const NotDecidableIcon = () => (
  <Icon><path d={DIAMOND} /><path d="M9.2 9.7c0-1.7 1.2-2.7 2.8-2.7s2.8 1 2.8 2.5c0 2-2.8 2.2-2.8 4.3" /><path d="M12 16.1v1.6" /></Icon>
);
export const RunningIcon = () => <Icon><circle cx="12" cy="12" r="10.2" opacity=".3" /><path className="spin" d="M12 1.8a10.2 10.2 0 0 1 10.2 10.2" /></Icon>;
export const ReadyIcon = () => <Icon><circle cx="12" cy="12" r="10.2" /><circle cx="12" cy="12" r="3.4" fill="currentColor" stroke="none" /></Icon>;
export const WaitIcon = () => <Icon><circle cx="12" cy="12" r="10.2" /><path d="M12 6.4V12l4 2.6" /></Icon>;
export const SunIcon = () => (
  <Icon weight={2}><circle cx="12" cy="12" r="4.4" /><path d="M12 1.8v3m0 14.4v3M1.8 12h3m14.4 0h3M4.8 4.8l2.1 2.1m10.2 10.2l2.1 2.1m0-14.4l-2.1 2.1M6.9 17.1l-2.1 2.1" /></Icon>
);
export const MoonIcon = () => <Icon weight={2}><path d="M20.5 14.6A8.8 8.8 0 0 1 9.4 3.5a8.8 8.8 0 1 0 11.1 11.1z" /></Icon>;
export const ExitIcon = () => <Icon weight={2}><path d="M10 3H4v18h6M15.5 7.5L20 12l-4.5 4.5M20 12H9" /></Icon>;
export const ChevronIcon = () => <Icon><path d="M5 9l7 7 7-7" /></Icon>;
export const BackIcon = () => <Icon><path d="M20 12H5m6.5-6.5L5 12l6.5 6.5" /></Icon>;
export const PlusIcon = () => <Icon><path d="M12 4v16M4 12h16" /></Icon>;
export const MinusIcon = () => <Icon><path d="M4 12h16" /></Icon>;
export const FitIcon = () => <Icon weight={2.2}><path d="M3 8.5V3h5.5M15.5 3H21v5.5M21 15.5V21h-5.5M8.5 21H3v-5.5" /></Icon>;
export const TargetIcon = () => <Icon weight={2.2}><circle cx="12" cy="12" r="6.6" /><path d="M12 1.5v6M12 16.5v6M1.5 12h6M16.5 12h6" /></Icon>;
export const CheckIcon = () => <Icon weight={3}><path d="M4.5 12.8l5 5L19.5 6.6" /></Icon>;
export const InspectIcon = () => <Icon weight={2}><circle cx="10.5" cy="10.5" r="7" /><path d="M15.6 15.6L21.5 21.5" /></Icon>;
export const HistoryIcon = () => <Icon weight={2}><path d="M8 5h13M8 12h13M8 19h13M3 5h1.5M3 12h1.5M3 19h1.5" /></Icon>;
export const ShiftIcon = () => <Icon weight={2}><path d="M3 21h18M6 21v-7M11 21V8M16 21v-9M20 21V4" /></Icon>;
export const TeachIcon = () => <Icon weight={2}><path d="M12 4L1.8 9 12 14l10.2-5zM6 11.2V17c3.4 2.6 8.6 2.6 12 0v-5.8" /></Icon>;
export const RigIcon = () => <Icon weight={2}><path d="M3 21h18M5 21V4h14v17M9 4v5h6V4M12 9v3M8 17h8" /></Icon>;
export const PeopleIcon = () => <Icon weight={2}><circle cx="9" cy="8" r="4" /><path d="M1.8 21c.4-5 3.4-7.4 7.2-7.4s6.8 2.4 7.2 7.4M16 4.4a4 4 0 0 1 0 7.2M18.5 14.4c2.2 1 3.5 3.2 3.7 6.6" /></Icon>;
export const PersonIcon = () => <Icon weight={2}><circle cx="12" cy="8" r="4.6" /><path d="M3.5 21.5c.5-5 4-7.7 8.5-7.7s8 2.7 8.5 7.7" /></Icon>;
