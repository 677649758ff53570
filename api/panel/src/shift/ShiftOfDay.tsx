import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { type Period, useShifts } from "../api/statistics";
import { useFormat } from "../app/format";

interface Props {
  chosen: Period | null;
  onChoose: (period: Period | null) => void;
}

/** Any shift of the past: the day, then which of its shifts. */
export function ShiftOfDay({ chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const [day, setDay] = useState("");
  const shifts = useShifts(day).data;
  return (
    <div className="row">
      <label className="field day">
        <span>{t("shift.byDate")}</span>
        <input
          type="date"
          value={day}
          onChange={(event) => {
            setDay(event.target.value);
            onChoose(null);
          }}
        />
      </label>
      {day && (
        <div className="row" role="group" aria-label={t("shift.ofDay")}>
          {shifts?.map(({ since, until }) => (
            <Button key={since} className={chosen?.from === since ? "tool chosen" : "tool"} aria-pressed={chosen?.from === since} onPress={() => onChoose({ from: since, to: until })}>
              {format.minute(since)}–{format.minute(until)}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
