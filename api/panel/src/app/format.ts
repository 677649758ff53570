import { useMemo } from "react";
import { useTranslation } from "react-i18next";

/** Nobody reads anything into a -0.00. */
const unsignedZero = (value: number, digits: number) => (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value);

/** Numbers and times as the chosen language writes them. */
export function useFormat() {
  const { i18n } = useTranslation();
  const locale = i18n.language === "zh" ? "zh-Hans" : "en-GB";
  return useMemo(() => {
    const decimals = (digits: number) => new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const [whole, one, two, three] = [decimals(0), decimals(1), decimals(2), decimals(3)];
    const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    const minutes = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const dayOnly = new Intl.DateTimeFormat(locale, { day: "numeric", month: "numeric" });
    const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
    const percents = (digits: number) => new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
    const [percent, share] = [percents(1), percents(0)];
    const roundShare = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
    const short = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const isToday = (iso: string) => new Date(iso).toDateString() === new Date().toDateString();
    return {
      whole: (value: number) => whole.format(value),
      one: (value: number) => one.format(unsignedZero(value, 1)),
      two: (value: number) => two.format(unsignedZero(value, 2)),
      three: (value: number) => three.format(unsignedZero(value, 3)),
      percent: (value: number) => percent.format(value),
      share: (value: number) => share.format(value),
      /** With a decimal where it needs one, for axes. */
      roundShare: (value: number) => roundShare.format(value),
      date: (iso: string) => day.format(new Date(iso)),
      /** Of seconds since 1970, for axes. */
      clock: (seconds: number) => minutes.format(seconds * 1000),
      day: (seconds: number) => dayOnly.format(seconds * 1000),
      minute: (iso: string) => minutes.format(new Date(iso)),
      time: (iso: string) => clock.format(new Date(iso)),
      /** The time of what is of today, and the day with it of what is older. */
      moment: (iso: string) => (isToday(iso) ? clock : short).format(new Date(iso)),
    };
  }, [locale]);
}
