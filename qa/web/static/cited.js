// A link of ours to which words to look for were added, as Open WebUI does to all links ("#cited#:~:text=Officials,it"): the
// browser finds no such place in the page, and goes to where these words are first. The quote was meant.
if (location.hash.startsWith("#cited#")) location.replace("#cited");
