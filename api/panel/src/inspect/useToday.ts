import { useEffect, useState } from "react";
import { startOfToday } from "./verdict";

/** Midnight of today, and of the next day when it comes. */
export function useToday(): Date {
  const [today, setToday] = useState(() => startOfToday(new Date()));
  useEffect(() => {
    const timer = window.setInterval(() => {
      const next = startOfToday(new Date());
      setToday((known) => (known.getTime() === next.getTime() ? known : next));
    }, 30_000);
    return () => window.clearInterval(timer);
  }, []);
  return today;
}
