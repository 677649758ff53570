import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en.json";
import type engineer from "./engineer.en.json";
import type more from "./more.en.json";
import viewerEn from "./viewer.en.json";
import viewerZh from "./viewer.zh.json";
import zh from "./zh.json";

const english = { ...en, viewer: viewerEn };

/** English is the measure: a Chinese file that lacks a text does not pass the type check. */
const chinese: typeof english = { ...zh, viewer: viewerZh };

const STORED = "d3station.language";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof english & typeof more & typeof engineer };
  }
}

function preferred(): string {
  return localStorage.getItem(STORED) ?? (navigator.language.startsWith("zh") ? "zh" : "en");
}

i18next.on("languageChanged", (language) => {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
});

void i18next.use(initReactI18next).init({
  lng: preferred(),
  fallbackLng: "en",
  resources: { en: { translation: english }, zh: { translation: chinese } },
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
});

export function switchLanguage(language: string): void {
  localStorage.setItem(STORED, language);
  void i18next.changeLanguage(language);
}

export { i18next };
