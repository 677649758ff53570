import { type RefObject, useEffect, useRef } from "react";
import { isEditable, ScanBuffer } from "../app/scan";

const isControl = (target: EventTarget | null) => target instanceof Element && target.closest("button, a, select, input, [role=option], [role=tab], [tabindex='0']") !== null;

interface Keys {
  inspect: () => void;
  serial: RefObject<HTMLInputElement | null>;
  /** A code that a scanner typed while a control had the focus. */
  onScan: (code: string) => void;
}

/**
 * Keys that work wherever the eye is: Space and Enter inspect, and a wedge scanner types its code into the serial field
 * without anybody touching it first.
 *
 * Whoever moves by keyboard (Tab, arrows) keeps the ordinary meaning of the keys on the control in focus. After a touch,
 * though, the touched control still has the focus without anybody knowing: then Space means the next part.
 */
export function useStationKeys({ inspect, serial, onScan }: Keys): void {
  const latest = useRef({ inspect, onScan });
  useEffect(() => {
    latest.current = { inspect, onScan };
  });

  useEffect(() => {
    let isTouched = true;
    const scan = new ScanBuffer();
    const onPointer = () => {
      isTouched = true;
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Tab" || event.key.startsWith("Arrow")) isTouched = false;
      const code = scan.take(event);
      if (isEditable(event.target) || document.querySelector("[role=listbox]")) return;
      if (code !== null) {
        event.preventDefault();
        event.stopPropagation();
        latest.current.onScan(code);
        return;
      }
      if (!isTouched && isControl(event.target)) return;
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        event.stopPropagation();
        if (!event.repeat) latest.current.inspect();
      } else if (/^[\p{L}\p{N}]$/u.test(event.key)) {
        // The character itself follows the focus into the field.
        serial.current?.focus();
      }
    };
    window.addEventListener("pointerdown", onPointer, true);
    window.addEventListener("keydown", onKey, true);
    return () => {
      window.removeEventListener("pointerdown", onPointer, true);
      window.removeEventListener("keydown", onKey, true);
    };
  }, [serial]);
}
