import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";

const STEP = 1024;
const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** A size as people read it. */
export function useSize(): (bytes: number) => string {
  const format = useFormat();
  const { t } = useTranslation();
  return (bytes) => {
    let value = bytes / STEP;
    let unit = 0;
    while (value >= STEP && unit < UNITS.length - 1) {
      value /= STEP;
      unit += 1;
    }
    return t("storage.amount", { value: value < 10 ? format.one(value) : format.whole(value), unit: UNITS[unit] });
  };
}
