import { useRef } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { FileProblem } from "../api/schema";

/** A file to read, with numbered lines; what is wrong stands under its line. */
export function Yaml({ text, problems }: { text: string; problems: readonly FileProblem[] }) {
  const { t } = useTranslation();
  const lines = useRef<HTMLOListElement>(null);
  const show = (line: number) => {
    const item = lines.current?.children[line - 1];
    if (!(item instanceof HTMLElement)) return;
    item.scrollIntoView({ block: "center" });
    item.focus();
  };
  return (
    <>
      {problems.length > 0 && (
        <ul className="row plain-list" aria-label={t("yaml.problems", { count: problems.length })}>
          {problems.map((problem) => (
            <li key={`${problem.line} ${problem.column} ${problem.path}`}>
              <Button className="tool" onPress={() => show(problem.line)}>
                {t("yaml.line", { line: problem.line })} <code>{problem.path}</code>
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div className="yaml" tabIndex={0} role="region" aria-label={t("configuration.text")}>
        <ol ref={lines}>
          {text.split("\n").map((line, index) => {
            const here = problems.filter((problem) => problem.line === index + 1);
            return (
              // Lines have nothing but their number to be told apart by.
              <li key={index} tabIndex={-1} className={here.length ? "faulty" : undefined}>
                <code>{line || " "}</code>
                {here.map((problem) => (
                  <p key={`${problem.column} ${problem.path}`}>
                    <b>{t("yaml.column", { column: problem.column })}</b> {problem.path && <code>{problem.path}</code>} <span lang="en">{problem.message}</span>
                  </p>
                ))}
              </li>
            );
          })}
        </ol>
      </div>
    </>
  );
}
