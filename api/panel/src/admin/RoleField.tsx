import { useTranslation } from "react-i18next";
import type { UserRequest } from "../api/schema";

const ROLES = ["operator", "engineer", "admin"] as const;
type PersonRole = UserRequest["role"];

/** What a person may do. */
export function RoleField({ role, onChange }: { role: PersonRole; onChange: (role: PersonRole) => void }) {
  const { t } = useTranslation();
  return (
    <label className="field">
      <span>{t("users.role")}</span>
      <select value={role} onChange={(event) => onChange(ROLES.find((one) => one === event.target.value) ?? "operator")}>
        {ROLES.map((one) => (
          <option key={one} value={one}>
            {t(`role.${one}`)}
          </option>
        ))}
      </select>
    </label>
  );
}
