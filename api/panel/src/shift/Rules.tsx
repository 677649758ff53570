import { useTranslation } from "react-i18next";
import type { Rule } from "../api/schema";

const WORDS = {
  "Western Electric 1: one point beyond 3 sigma": "rule.beyond3",
  "Western Electric 2: two of three beyond 2 sigma on one side": "rule.twoOfThree",
  "Western Electric 3: four of five beyond 1 sigma on one side": "rule.fourOfFive",
  "Western Electric 4: eight in a row on one side": "rule.eight",
  "Nelson 3: six in a row rising or falling": "rule.six",
  "Nelson 4: fourteen in a row alternating": "rule.fourteen",
  "EWMA beyond its limits": "rule.ewma",
} as const satisfies Record<Rule, string>;

/** So many are read from three metres; one that fires often brings others with it. */
const MOST = 2;

/** What is not chance, in words; and that all is well where nothing fires. */
export function Rules({ rules, calm }: { rules: readonly Rule[]; calm: string }) {
  const { t } = useTranslation();
  if (rules.length === 0) return <p className="lead">{calm}</p>;
  return (
    <p className="wrong rules">
      {[...new Set(rules)].slice(0, MOST).map((rule) => t(WORDS[rule])).join(" · ")}
    </p>
  );
}
