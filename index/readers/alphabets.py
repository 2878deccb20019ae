"""The letters of languages, by which a right reading of bytes is told from a wrong one."""

from __future__ import annotations

# The letters beyond a to z of languages that are written with Latin ones, by the encodings that hold them.
WESTERN = {
    "de": "äöüß", "fr": "àâæçèéêëîïôœùûüÿ", "es": "áéíñóúü", "pt": "áâãàçéêíóôõúü", "it": "àèéìíîòóùú", "sv": "åäöé",
    "fi": "åäö", "da": "æøåé", "no": "æøåéòô", "nl": "ëïéèöüóá", "is": "áéíóúýðþæö", "ca": "àçèéíïòóúü", "en": "éèïöñç",
    "ga": "áéíóú", "sq": "çë", "et": "äöõüšž",
}  # fmt: skip
CENTRAL = {
    "cs": "áčďéěíňóřšťúůýž", "pl": "ąćęłńóśźż", "hu": "áéíóöőúüű", "ro": "ăâîşţ", "hr": "čćđšž", "sl": "čšž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
}  # fmt: skip
TURKISH = {"tr": "çğıöşüâîû"}
BALTIC = {"lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "et": "äöõüšž"}
# The alphabets of other scripts, the most frequent letter first: a wrong reading has as many rare ones.
CYRILLIC = {
    "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "uk": "оаинвіерстклдумпязьбгчйхцжшїєюфґщ", "bg": "аиоетнсрвлкдпмъзугябчйжшщцфхюь",
}  # fmt: skip
GREEK = {"el": "αοιετσνηυρπκμλςωδγίόάήέχθφβξζώύψϊϋΐΰ"}
HEBREW = {"he": "יוהלאתרבשמנדחקפעטגכזסםןצךףץ"}
ARABIC = {"ar": "اليمونترهبةدعفسكقحجأشصطخىإضذزثغئءظؤآ", "fa": "ايرندهمتوبسشكزلگخقپعجفحچطصآغژضثظذئ"}
THAI = {"th": "านรกอเงมยลว่ดทส้ัะตีบปคหแจิพชขโใไูุ์ถผซธณศ็ำษญฟภื"}
CHINESE = (
    "的一是不了在人有我他这中大来上个国和到说们为子时要就出会可也你对生能而那得于着下自之年过发后作里用道行所然家成方法"
)
TAIWANESE = (
    "的一是不了在人有我他這中大來上個國和到說們為子時要就出會可也你對生能而那得於著下自之年過發後作裡用道行所然家成方法"
)
KOREAN = (
    "이다는을안녕에의가하한고은로지사도를기어리자해으시서나인아대그것있일과수정부만라스적보들와전주니여게제성습장유입상원"
)
JAPANESE = "日本人年大一国中会学出生上事行見月分後前告報書時者場語"
