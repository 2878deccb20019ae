"""Text that gives orders to a language model: told by rule, so that people see it. What it asks for is prevented elsewhere.

Nothing here is relied on for safety. The model has no tools, its quotes are looked up, and its text is cleaned
whatever it says; a passage that is flagged is a passage to be read with care.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_MODEL = (
    r"(?:ais?|llms?|gpt\w*|chatgpt|claude|gemini|copilot|(?:ai |chat )?assistants?|chat ?bots?|(?:large )?language models?)"
)
_LANGUAGES = (
    r"(?:french|german|spanish|russian|chinese|japanese|latin|klingon|pirate|urdu|hindi|italian|portuguese|arabic|base64|"
    r"rot13|hex|all caps|capital letters|rhymes?|verse|emojis?|emoji only)"
)
_ORDERS = {
    "asks to disregard its instructions": (
        r"\b(?:ignor\w*|disregard\w*|forget|overrid\w*|bypass\w*|stop following|do not follow|don['’]t follow)\b[^.!?\n]{0,25}"
        r"\b(?:previous\w*|prior|above|earlier|preceding|all|any|your|other|initial|original|system)\b[^.!?\n]{0,25}"
        r"\b(?:instructions?|prompts?|rules|guidelines?|directions|orders|constraints?|safeguards?|told)\b",
        r"\b(?:forget|disregard|ignore) (?:everything|all|anything)(?: that| you| of|,| above| before)",
        r"\b(?:ignore[zrs]?|oublie[zrs]?|olvid\w+|descart\w+)\b[^.!?\n]{0,40}\b(?:instrucciones|consignes|reglas|instructions pr\w+)\b",
        r"\bне (?:обращай|следуй|выполняй)\w*\b[^.!?\n]{0,40}\b(?:инструкци|указани|правил)\w*",
        r"\b(?:игнорируй|проигнорируй|забудь|отбрось)(?:те)?\b[^.!?\n]{0,40}\b(?:инструкци|указани|правил|команд|промпт)\w*",
        r"(?:忽略|无视|無視|忘记|忘記|不要理会|不要遵守|忽視)[^。！？\n]{0,15}(?:指令|指示|提示|说明|說明|规则|規則|命令)",
        r"(?:ہدایات|احکامات|ہدایت)[^۔!?\n]{0,30}(?:نظر ?انداز|بھول ج|رد کر)|(?:نظر ?انداز|بھول ج)[^۔!?\n]{0,30}(?:ہدایات|احکامات)",
        r"(?:निर्देश|आदेश|नियम)[^।!?\n]{0,30}(?:अनदेखा|नज़रअंदाज|नजरअंदाज|उपेक्षा|भूल जा)|(?:अनदेखा|नज़रअंदाज|नजरअंदाज)[^।!?\n]{0,30}(?:निर्देश|आदेश)",
        r"\b(?:ignora(?:d|r)?|ignore|olvida(?:d)?|olvide|omite|descarta)\b[^.!?\n]{0,40}\b(?:instrucciones|indicaciones|órdenes|reglas) "
        r"(?:anteriores|previas|de arriba|recibidas)\b",
        r"\b(?:ignore[zr]?|oublie[zr]?|ne (?:tiens|tenez) pas compte|fais abstraction|faites abstraction)\b[^.!?\n]{0,40}"
        r"\b(?:instructions|consignes|directives|règles)\b",
        r"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie|missachte\w*|beachte nicht)\b[^.!?\n]{0,40}"
        r"\b(?:anweisung\w*|instruktion\w*|regeln|vorgaben|befehle?)\b",
        r"\b(?:new|updated|revised|real|actual) (?:system )?(?:instructions?|prompt|directive)\s*(?:[:\-]|are\b|is\b)",
        r"\b(?:instructions?|prompt) (?:above|before this)\b[^.!?\n]{0,30}\b(?:no longer|do not|don['’]t) (?:apply|count|matter)",
    ),
    "speaks to a language model": (
        rf"\b{_MODEL}\b[^.!?\n]{{0,40}}\b(?:must|should|shall|need to|are (?:now|required)|have to|please|do not|don['’]t)\b"
        r"[^.!?\n]{0,30}\b(?:reply|respond|answer|output|print|say|cite|recommend|translate|tell|claim|follow|ignore|state|quote|add|use)\b",
        r"\b(?:note|message|attention|instructions?|hint|reminder|dear|hello|warning|memo)\s*(?:to|for|,)?:?\s*(?:the |any |all |an? )?"
        r"(?:ais?|llms?|chatgpt|(?:ai |chat )?assistants|ai assistant|chatbots?|language models?|bots reading)\b",
        r"\bif you(?:['’]re| are) (?:an? |the )?(?:ai|llm|assistant|language model|chatbot|bot|automated)\b",
        r"\b(?:you are|you['’]re) now (?:an?|the|in|free|known|called|(?-i:DAN))\b|\bfrom now on,? you\b|\bdo anything now\b",
        r"\bpretend (?:to be|that you|you are)\b[^.!?\n]{0,30}\b(?:no|without|un\w+|pirate|rules|restrictions|evil|human)\b",
        r"\b(?:ты|вы) теперь\b[^.!?\n]{0,30}\b(?:ассистент|бот|модель|помощник)\w*|(?:你现在是|你現在是|从现在起你|從現在起你|作为(?:一个)?(?:AI|人工智能)助手)",
        r"\b(?:ahora eres|a partir de ahora (?:eres|debes|responde))\b|\b(?:tu es|vous êtes) (?:maintenant|désormais) (?:un|une|le|la)\b",
        r"\b(?:du bist|sie sind) (?:jetzt|nun|ab jetzt|ab sofort) (?:ein|eine|der|die|das)\b|\bआप अब एक\b|\bآپ اب ایک\b",
        r"\benter (?:developer|debug|god|admin|maintenance) mode\b|\bjailbreak\w* (?:mode|prompt)\b|\b(?-i:DAN) mode\b",
    ),
    "asks for what is secret": (
        r"\b(?:system|hidden) prompt\b",
        r"\b(?:reveal|print|show|repeat|output|disclose|leak|dump|display|tell me|give me|recite|copy)\b[^.!?\n]{0,30}\b(?:your|the) "
        r"(?:prompt|instructions (?:above|you)|hidden instructions|api[ _-]?keys?|passwords?|secrets|credentials|settings you)\b",
        r"\b(?:покажи|выведи|раскрой|напечатай)(?:те)?\b[^.!?\n]{0,30}\b(?:системн\w+ (?:промпт|подсказ|инструкц)\w*|промпт\w*)",
        r"(?:显示|顯示|输出|輸出|透露|告诉我|打印|重复)[^。！？\n]{0,12}(?:系统提示|系統提示|提示词|提示詞|系统指令)",
        r"\b(?:muestra|revela|imprime|dime|montre|révèle|affiche|zeige?|verrate|gib)\b[^.!?\n]{0,30}"
        r"\b(?:prompt|instrucciones del sistema|instructions (?:du )?système|systemanweisung\w*|systemprompt)\b",
        r"(?:सिस्टम प्रॉम्प्ट|سسٹم پرامپٹ)",
        r"\byour (?:instructions|hidden instructions|prompt|configuration) (?:verbatim|word for word|in full|in a code block)\b",
        r"\b(?:passage|document) ids\b|\bids of (?:all |the |other )*(?:passages|documents)\b|\b(?:text|words) above (?:verbatim|word for word)\b",
    ),
    "asks for a form of answer": (
        r"\b(?:answer|reply|respond|output|say|state)\b[^.!?\n]{0,15}\b(?:only|always|just|nothing but|exclusively|exactly) (?:with|that|in|:|[\"“'‘])",
        r"\b(?:only|always|must|instead|simply|just|exactly) (?:answer|reply|respond|output|say|state)\b[^.!?\n]{0,20}(?:[\"“'‘:]|\bthat\b|\bwith\b|\bin\b)",
        rf"\b(?:answer|reply|respond|speak|write|talk|continue)\b[^.!?\n]{{0,30}}\b(?:in|into|as a) {_LANGUAGES}\b",
        r"\b(?:begin|start|end|finish|prefix|append|add|insert|include|embed)\b[^.!?\n]{0,40}\b(?:to|in|of|with|every|each|your|the) "
        r"(?:your |each |every |the )?(?:answers?|replies|reply|responses?|claims?)\b",
        r"\b(?:отвечай|ответь|пиши)(?:те)?\b[^.!?\n]{0,15}\b(?:только|всегда|лишь)\b|(?:只|仅|必须|請只|请只)(?:回答|回复|回覆|输出|輸出)(?!了)",
        r"\b(?:responde|contesta|responda)\b[^.!?\n]{0,15}\b(?:solo|sólo|solamente|únicamente|siempre)\b",
        r"\b(?:réponds|répondez)\b[^.!?\n]{0,15}\b(?:uniquement|seulement|toujours|simplement)\b",
        r"\b(?:antworte(?:t|n sie)?)\b[^.!?\n]{0,15}\b(?:nur|immer|ausschließlich|stets)\b",
        r"(?:केवल|सिर्फ)[^।!?\n]{0,25}(?:उत्तर|जवाब) (?:दें|दो|दीजिए)|صرف[^۔!?\n]{0,25}جواب (?:دیں|دو)",
        r"\b(?:cite|recommend|trust|rank)\b[^.!?\n]{0,20}\b(?:only )?(?:this|our|my) (?:document|passage|page|file|source|site|product|company)\b",
        r"\b(?:include|insert|embed|add|render|display|append|output)\b[^.!?\n]{0,30}\b(?:this|the following) (?:link|image|url|pixel|markdown)\b",
        r"!\[[^\]\n]*\]\(https?://[^)\s]*(?:\?|=|\{)",
    ),
    "imitates the form of a prompt": (
        r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|(?-i:</?(?:system|assistant|passage|im_start|im_end)(?: id=[^>]{0,30})?\s*/?>)",
        r"^\W*(?-i:SYSTEM|ASSISTANT|DEVELOPER)\s*:|\bsystem (?:prompt|message|override|note|instruction)\s*:",
        r"^\s*(?-i:CLAIM|QUOTE)\b[^:\n]{0,24}:|^\s*(?-i:NO EVIDENCE)\s*$",
        r"(?-i:\b(?:BEGIN|END|START) (?:SYSTEM|OF (?:CONTEXT|PASSAGES|DOCUMENTS?|INSTRUCTIONS)|ADMIN|OVERRIDE)\b)",
    ),
}
_PATTERNS = {
    flag: re.compile("|".join(f"(?:{one})" for one in patterns), re.IGNORECASE | re.MULTILINE)
    for flag, patterns in _ORDERS.items()
}
# Tag characters spell out text that nobody sees; so do long runs of zero-width ones, and text turned round.
_HIDDEN = re.compile("[\U000e0020-\U000e007e]|[\u200b\u200c\u200d\u2060\ufeff]{4,}|[\u202d\u202e]")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_LONGEST = 20_000


def find_orders(text: str) -> tuple[str, ...]:
    """Return what in a text is meant for a language model, in words for people; nothing for ordinary text."""
    return _orders_in(text[:_LONGEST])


@lru_cache(maxsize=256)  # of one answer's passages it is asked three times
def _orders_in(shown: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", shown))
    plain = "\n".join(line.strip() for line in plain.splitlines() if line.strip())  # thousands of empty lines take long
    found = [flag for flag, pattern in _PATTERNS.items() if pattern.search(plain)]
    return (*found, "hides text") if _HIDDEN.search(shown) else tuple(found)
