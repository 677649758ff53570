import type { RefObject } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  inputRef: RefObject<HTMLInputElement | null>;
  value: string;
  onChange: (value: string) => void;
  /** Enter, which a wedge scanner sends after the code. */
  onEnter: () => void;
}

/** Serial number of the next part, by scanner or by hand. */
export function SerialField({ inputRef, value, onChange, onEnter }: Props) {
  const { t } = useTranslation();
  return (
    <label className="field serial">
      <span>{t("inspect.serial")}</span>
      <input
        ref={inputRef}
        value={value}
        maxLength={100}
        autoComplete="off"
        spellCheck={false}
        placeholder={t("inspect.serialHint")}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          onEnter();
        }}
      />
    </label>
  );
}
