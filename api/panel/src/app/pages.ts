import { type ComponentType, lazy, type LazyExoticComponent, type ReactElement } from "react";
import type { Role } from "../api/schema";
import { HistoryIcon, InspectIcon, PeopleIcon, RigIcon, ShiftIcon, TeachIcon } from "./icons";

export type PageName = "inspect" | "history" | "shift" | "teach" | "rig" | "admin";

interface Page {
  name: PageName;
  /** Who sees it: people from this role up. */
  least: Role;
  Icon: () => ReactElement;
  Content: LazyExoticComponent<ComponentType>;
}

const PEOPLE: readonly Role[] = ["operator", "engineer", "admin"];

const PAGES: readonly Page[] = [
  { name: "inspect", least: "operator", Icon: InspectIcon, Content: lazy(() => import("../inspect/InspectPage")) },
  { name: "history", least: "operator", Icon: HistoryIcon, Content: lazy(() => import("../history/HistoryPage")) },
  { name: "shift", least: "operator", Icon: ShiftIcon, Content: lazy(() => import("../shift/ShiftPage")) },
  { name: "teach", least: "engineer", Icon: TeachIcon, Content: lazy(() => import("../teach/TeachPage")) },
  { name: "rig", least: "engineer", Icon: RigIcon, Content: lazy(() => import("../rig/RigPage")) },
  { name: "admin", least: "admin", Icon: PeopleIcon, Content: lazy(() => import("../admin/AdminPage")) },
];

/** The pages that somebody of this role may open. The service refuses what it must; this only hides what would be refused. */
export function pagesOf(role: Role): readonly Page[] {
  return PAGES.filter(({ least }) => PEOPLE.indexOf(role) >= PEOPLE.indexOf(least));
}
