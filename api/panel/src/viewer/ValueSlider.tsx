import { Label } from "react-aria-components/Label";
import { Slider, SliderThumb, SliderTrack } from "react-aria-components/Slider";

interface Props {
  label: string;
  value: number;
  onChange: (value: number) => void;
  least: number;
  most: number;
  step: number;
  isDisabled: boolean;
  formatOptions: Intl.NumberFormatOptions;
  shown: string;
}

/** A value between two ends. Touching the track moves it too: no drag needed. */
export function ValueSlider({ label, value, onChange, least, most, step, isDisabled, formatOptions, shown }: Props) {
  return (
    <Slider
      className="slider"
      value={value}
      onChange={onChange}
      minValue={least}
      maxValue={most}
      step={step}
      isDisabled={isDisabled}
      formatOptions={formatOptions}
    >
      <Label>{label}</Label>
      <SliderTrack className="slider-track">
        <span className="slider-fill" style={{ width: `${((value - least) / (most - least)) * 100}%` }} />
        <SliderThumb className="slider-thumb" />
      </SliderTrack>
      {/* Not an <output>: that is a second live region beside the verdict. The slider itself tells its value. */}
      <span className="slider-output" aria-hidden="true">
        {shown}
      </span>
    </Slider>
  );
}
