import engineerEn from "./engineer.en.json";
import engineerZh from "./engineer.zh.json";
import en from "./more.en.json";
import zh from "./more.zh.json";
import { i18next } from "./index";

/** The words of the pages beside Inspect, which come with those pages. */
const chinese: typeof en = zh;
const engineersChinese: typeof engineerEn = engineerZh;

i18next.addResourceBundle("en", "translation", en, true);
i18next.addResourceBundle("zh", "translation", chinese, true);
// Some sections are of both: these words are added to them.
i18next.addResourceBundle("en", "translation", engineerEn, true);
i18next.addResourceBundle("zh", "translation", engineersChinese, true);
