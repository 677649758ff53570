import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Header } from "../app/Header";
import { hashOf, useRoute } from "../app/route";
import "../i18n/more";
import { Audit } from "./Audit";
import { Backups } from "./Backups";
import { Keys } from "./Keys";
import { Storage } from "./Storage";
import { Users } from "./Users";
import { Webhooks } from "./Webhooks";

const SECTIONS = { users: Users, keys: Keys, webhooks: Webhooks, storage: Storage, backups: Backups, audit: Audit } satisfies Record<string, () => ReactElement>;
type Section = keyof typeof SECTIONS;
const NAMES = Object.keys(SECTIONS) as Section[];

/** Who may do what, who is told, and who changed what. */
export default function AdminPage() {
  const { t } = useTranslation();
  const { rest } = useRoute();
  const current = NAMES.find((name) => name === rest) ?? "users";
  const Content = SECTIONS[current];
  return (
    <div className="page">
      <Header title={t("nav.admin")}>
        <nav className="sections" aria-label={t("nav.admin")}>
          {NAMES.map((name) => (
            <a key={name} href={hashOf("admin", name)} aria-current={name === current ? "page" : undefined}>
              {t(`admin.${name}`)}
            </a>
          ))}
        </nav>
      </Header>
      <main className="sheet">
        <Content />
      </main>
    </div>
  );
}
