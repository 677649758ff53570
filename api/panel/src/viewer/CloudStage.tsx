import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ToggleButton } from "react-aria-components/ToggleButton";
import { ToggleButtonGroup } from "react-aria-components/ToggleButtonGroup";
import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import { FitIcon, MinusIcon, PlusIcon } from "../app/icons";
import { type Cloud, spacingPx } from "./cloud";
import { type Colour, COLOURS, coloursOf } from "./cloudColours";
import { CloudScene } from "./CloudScene";
import { ClearIcon, MarkIcon, TiltDownIcon, TiltUpIcon, TurnLeftIcon, TurnRightIcon } from "./icons";
import { Marks } from "./Marks";
import { Measured } from "./Measured";
import { BUTTON_STEP, useSize } from "./useView";
import type { Point } from "./view";

const TURN_RAD = Math.PI / 12;
const MOVE_PX = 40;
const TAP_PX = 8;

interface Props {
  cloud: Cloud;
  pitchMm: number | null;
}

/** The cloud with all that can be done to it: by fingers and mouse on the canvas, by the buttons, and by keys. */
export function CloudStage({ cloud, pitchMm }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [scene, setScene] = useState<CloudScene | null>(null);
  const [, setDrawn] = useState(0);
  const [colour, setColour] = useState<Colour>("rgb");
  const [marks, setMarks] = useState<readonly number[]>([]);
  const [isMiss, setMiss] = useState(false);
  const size = useSize(frame);

  useEffect(() => {
    if (!canvas.current) return;
    const made = new CloudScene(canvas.current, cloud, (pitchMm ?? 0) * spacingPx(cloud), () => setDrawn((count) => count + 1));
    setScene(made);
    return () => made.dispose();
  }, [cloud, pitchMm]);
  useEffect(() => scene?.setColours(coloursOf(cloud, colour)), [scene, cloud, colour]);
  useEffect(() => {
    if (scene && size.width > 0) scene.resize(size);
  }, [scene, size]);
  useEffect(() => scene?.reset(), [scene]);

  // A touch that does not turn brings what was touched under the cross: so two touches mark a point, and nothing needs a drag.
  const down = useRef<Point | null>(null);
  const centre = (at: Point) => {
    const index = scene?.pick(at) ?? -1;
    if (index >= 0) scene?.centreOn(index);
  };
  const mark = () => {
    const index = scene?.pick({ x: size.width / 2, y: size.height / 2 }) ?? -1;
    setMiss(index < 0);
    if (index >= 0) setMarks(marks.length === 1 ? [...marks, index] : [index]);
  };
  const clear = () => {
    setMarks([]);
    setMiss(false);
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.target !== frame.current || event.ctrlKey || event.altKey || event.metaKey) return;
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (by) {
      const [x, y] = by as [number, number];
      if (event.shiftKey) scene?.move({ x: x * MOVE_PX, y: y * MOVE_PX });
      else scene?.turn(x * TURN_RAD, y * TURN_RAD);
    } else if (event.key === "+" || event.key === "=") scene?.zoomBy(BUTTON_STEP);
    else if (event.key === "-") scene?.zoomBy(1 / BUTTON_STEP);
    else if (event.key === "0") scene?.reset();
    else if (event.key === "m" || event.key === "M") mark();
    else return;
    event.preventDefault();
  };

  const shown = format.whole(cloud.count);
  return (
    <>
      <div className="stage">
        <div ref={frame} className="frame frame-zoomed" role="group" aria-label={t("viewer.cloudView.stage")} tabIndex={0} onKeyDown={onKey}>
          <canvas
            ref={canvas}
            className="cloud"
            data-testid="cloud"
            onPointerDown={(event) => {
              down.current = event.isPrimary ? { x: event.clientX, y: event.clientY } : null;
            }}
            onPointerUp={(event) => {
              const from = down.current;
              down.current = null;
              if (!from || Math.hypot(event.clientX - from.x, event.clientY - from.y) > TAP_PX) return;
              const box = event.currentTarget.getBoundingClientRect();
              centre({ x: event.clientX - box.left, y: event.clientY - box.top });
            }}
          />
          <Marks frame={size} marks={scene ? marks.map((index) => scene.seenAt(index)) : []} />
          <Measured cloud={cloud} marks={marks} pitchMm={pitchMm} isMiss={isMiss} />
          <p className="count">{t(cloud.count < cloud.all ? "viewer.cloudView.pointsOf" : "viewer.cloudView.points", { shown, all: format.whole(cloud.all) })}</p>
        </div>
        <div className="stack">
          <Button className="tool" aria-label={t("viewer.cloudView.zoomIn")} onPress={() => scene?.zoomBy(BUTTON_STEP)}>
            <PlusIcon />
          </Button>
          <Button className="tool" aria-label={t("viewer.cloudView.zoomOut")} onPress={() => scene?.zoomBy(1 / BUTTON_STEP)}>
            <MinusIcon />
          </Button>
          <Button className="tool" aria-label={t("viewer.cloudView.reset")} onPress={() => scene?.reset()}>
            <FitIcon />
          </Button>
        </div>
      </div>
      <div className="controls cloud-controls">
        <ToggleButtonGroup
          className="choices"
          aria-label={t("viewer.cloudView.colour")}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[colour]}
          onSelectionChange={(keys) => setColour([...keys][0] as Colour)}
        >
          {COLOURS.map((name) => (
            <ToggleButton key={name} id={name} className="tool">
              {t(`viewer.cloudView.${name}`)}
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
        <Button className="tool wide" onPress={mark}>
          <MarkIcon />
          <span>{t("viewer.cloudView.mark")}</span>
        </Button>
        <Button className="tool" aria-label={t("viewer.cloudView.clear")} isDisabled={marks.length === 0} onPress={clear}>
          <ClearIcon />
        </Button>
        <span className="space" />
        <Button className="tool" aria-label={t("viewer.cloudView.left")} onPress={() => scene?.turn(-TURN_RAD, 0)}>
          <TurnLeftIcon />
        </Button>
        <Button className="tool" aria-label={t("viewer.cloudView.right")} onPress={() => scene?.turn(TURN_RAD, 0)}>
          <TurnRightIcon />
        </Button>
        <Button className="tool" aria-label={t("viewer.cloudView.up")} onPress={() => scene?.turn(0, -TURN_RAD)}>
          <TiltUpIcon />
        </Button>
        <Button className="tool" aria-label={t("viewer.cloudView.down")} onPress={() => scene?.turn(0, TURN_RAD)}>
          <TiltDownIcon />
        </Button>
      </div>
    </>
  );
}
