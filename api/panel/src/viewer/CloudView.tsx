import { useState } from "react";
import { useTranslation } from "react-i18next";
import { hasWebGl } from "./CloudScene";
import { CloudStage } from "./CloudStage";
import type { Pictured } from "./layers";
import { ALL_POINTS, useCloud } from "./useCloud";

/** The part's cloud, or in words why it is not there. */
export default function CloudView({ detail }: { detail: Pictured }) {
  const { t } = useTranslation();
  const [canDraw] = useState(hasWebGl);
  const cloud = useCloud(detail.id, ALL_POINTS, canDraw);
  if (canDraw && cloud.data && cloud.data.count > 0) return <CloudStage cloud={cloud.data} pitchMm={detail.pixel_pitch_mm} />;
  let why: "noWebgl" | "failed" | "none" | "loading" = "loading";
  if (!canDraw) why = "noWebgl";
  else if (cloud.isError) why = "failed";
  else if (cloud.data) why = "none";
  return (
    <div className="frame">
      <p className="message">{t(`viewer.cloudView.${why}`)}</p>
    </div>
  );
}
