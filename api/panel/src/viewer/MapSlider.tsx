import { Label } from "react-aria-components/Label";
import { Slider, SliderThumb, SliderTrack } from "react-aria-components/Slider";
import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";

interface Props {
  value: number;
  onChange: (value: number) => void;
  isDisabled: boolean;
}

/** How strongly the anomaly map covers the picture. Touching the track moves it too: no drag needed. */
export function MapSlider({ value, onChange, isDisabled }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Slider
      className="slider"
      value={value}
      onChange={onChange}
      minValue={0}
      maxValue={1}
      step={0.05}
      isDisabled={isDisabled}
      formatOptions={{ style: "percent" }}
    >
      <Label>{t("viewer.map")}</Label>
      <SliderTrack className="slider-track">
        <span className="slider-fill" style={{ width: `${value * 100}%` }} />
        <SliderThumb className="slider-thumb" />
      </SliderTrack>
      {/* Not an <output>: that is a second live region beside the verdict. The slider itself tells its value. */}
      <span className="slider-output" aria-hidden="true">
        {format.share(value)}
      </span>
    </Slider>
  );
}
