import type { Stage } from "./schema";

/** What happens to a part, in order. */
export const STAGES = ["capture", "photometric", "structured_light", "inference", "save"] as const satisfies readonly Stage[];
