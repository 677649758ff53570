import en from "./more.en.json";
import zh from "./more.zh.json";
import { i18next } from "./index";

/** The words of the pages beside Inspect, which come with those pages. */
const chinese: typeof en = zh;

i18next.addResourceBundle("en", "translation", en, true);
i18next.addResourceBundle("zh", "translation", chinese, true);
