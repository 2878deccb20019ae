"""Mail: messages and attachments are documents of their own, whatever is wrong with them."""

from __future__ import annotations

import io
import time
import zipfile
from email.message import EmailMessage

import pytest
from openpyxl import Workbook

from index.errors import UnreadableFile
from index.locators import describe, locate
from index.readers import read_bytes
from index.records import Extracted


def reason(data: bytes, name: str = "a.eml") -> str:
    with pytest.raises(UnreadableFile) as caught:
        read_bytes(data, name)
    return caught.value.message


def message(text: str = "The duck swims.", subject: str = "On ducks", identity: str = "1") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = "Ann <ann@x.example>", "bob@x.example", "eve@x.example"
    mail["Subject"], mail["Date"] = subject, "Fri, 01 Mar 2024 12:00:00 +0200"
    mail["Message-ID"] = f"<{identity}@x.example>"
    if text:
        mail.set_content(text)
    return mail


def raw(headers: str, body: bytes) -> bytes:
    return f"From: ann@x.example\nSubject: s\nMIME-Version: 1.0\n{headers}\n\n".encode() + body


def body_of(data: bytes) -> str:
    return read_bytes(data, "a.eml")[0].text.split("\n\n", 1)[1]


def attached(mail: EmailMessage, content: bytes, name: str, kind: str = "application/octet-stream") -> EmailMessage:
    main, sub = kind.split("/")
    mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail


def parts(documents: list[Extracted]) -> list[str]:
    return [document.part for document in documents]


# ---------------------------------------------------------------------- one message


def test_a_message_begins_with_the_headers_that_people_ask_about():
    (document,) = read_bytes(message().as_bytes(), "a.eml")
    assert document.text == (
        "From: Ann <ann@x.example>\nTo: bob@x.example\nCc: eve@x.example\n"
        "Date: Fri, 01 Mar 2024 12:00:00 +0200\nSubject: On ducks\n\nThe duck swims."
    )
    assert (document.title, document.part, document.media_type) == ("On ducks", "", "message/rfc822")
    assert document.metadata == {
        "from": "Ann <ann@x.example>",
        "to": "bob@x.example",
        "cc": "eve@x.example",
        "subject": "On ducks",
        "date": "2024-03-01T10:00:00Z",
        "message_id": "1@x.example",
    }


def test_encoded_headers_are_decoded_even_in_a_wrong_charset():
    source = b"From: =?utf-8?Q?J=C3=B6rg?= <j@x.example>\nSubject: =?gb2312?B?1tDOxA==?= =?nope?Q?x=FCy?=\n =?utf-8?B?w7w=?=\n\nHello.\n"
    (document,) = read_bytes(source, "a.eml")
    assert document.metadata["from"] == "Jörg <j@x.example>"
    assert document.title.startswith("中文")
    assert document.title.endswith("ü")


def test_a_header_with_bare_bytes_is_decoded():
    assert (
        read_bytes(b"From: a@x.example\nSubject: Gr\xfc\xdfe aus K\xf6ln\n\nHi there.\n", "a.eml")[0].title
        == "Grüße aus Köln"
    )


def test_plain_text_is_preferred_to_html():
    mail = message("Plain words.")
    mail.add_alternative("<p>Marked words.</p>", subtype="html")
    (document,) = read_bytes(mail.as_bytes(), "a.eml")
    assert "Plain words." in document.text
    assert "Marked words." not in document.text


def test_html_is_read_where_the_plain_text_says_nothing_and_its_headings_are_places():
    mail = message(" ")
    mail.add_alternative("<p>Dear all</p><h1>News</h1><p>Marked <b>words</b>.</p>", subtype="html")
    (document,) = read_bytes(mail.as_bytes(), "a.eml")
    assert document.text.endswith("Subject: On ducks\n\nDear all\n\nNews\n\nMarked words.")
    start = document.text.index("Marked")
    assert locate(document.sections, start, start + 6).heading == ("News",)
    assert locate(document.sections, 0, 5).heading == ()


@pytest.mark.parametrize(
    ("charset", "body", "expected"),
    [
        ("iso-8859-1", b"Caf\xe9 \x80 5", "Café € 5"),
        ("utf-8", b"Caf\xe9 au lait for us all", "Café au lait for us all"),
        ("nonsense", "Café".encode(), "Café"),
        ("us-ascii", "Café".encode(), "Café"),
        ("iso-2022-jp", "日本語".encode("iso-2022-jp"), "日本語"),
        ("punycode", b"plain", "plain"),
    ],
)
def test_wrong_and_unknown_charsets_are_tolerated(charset, body, expected):
    assert body_of(raw(f"Content-Type: text/plain; charset={charset}", body)) == expected


def test_a_message_saved_in_utf_16_is_read():
    source = raw("Content-Type: text/plain", b"Hello there.").decode()
    assert body_of(source.encode("utf-16")) == "Hello there."
    assert body_of(source.encode("utf-16-le")) == "Hello there."


def test_a_date_that_is_none_is_left_out_of_the_metadata():
    (document,) = read_bytes(b"From: a@x.example\nDate: yesterday, I think\n\nHi there.\n", "a.eml")
    assert "date" not in document.metadata
    assert "Date: yesterday, I think" in document.text


def test_quoted_replies_are_kept():
    assert "> Does it swim?" in body_of(message("Yes.\n\n> Does it swim?\n").as_bytes())


@pytest.mark.parametrize("headers", ["Content-Type: multipart/mixed", 'Content-Type: multipart/mixed; boundary="x"'])
def test_a_message_without_the_parts_that_it_announces_is_read_as_text(headers):
    assert "Just words." in body_of(raw(headers, b"Just words.\n"))


def test_what_is_no_mail_is_refused():
    assert "no headers" in reason(b"Just a text that somebody named so.\n")
    assert reason(b"\x00\x01\x02\x03" * 20)


# ---------------------------------------------------------------------- attachments


def test_attachments_are_documents_of_their_own_with_what_the_message_says():
    mail = attached(message(), b"Name,Age\nAnn,30\n", "people.csv", "text/csv")
    mail = attached(mail, b"# Ducks\n\nThey swim.\n", "notes.md")
    documents = read_bytes(mail.as_bytes(), "a.eml")
    assert parts(documents) == ["", "people.csv", "notes.md"]
    table, notes = documents[1:]
    assert table.text == "Name | Age\nAnn | 30"
    assert describe(table.sections[0].locator) == "attachment people.csv, cells A2:B2"
    assert describe(notes.sections[0].locator) == "attachment notes.md, Ducks"
    assert (table.title, notes.title) == ("people.csv", "Ducks")
    assert table.metadata["from"] == "Ann <ann@x.example>"
    assert table.metadata["date"] == "2024-03-01T10:00:00Z"
    assert table.metadata["subject"] == "On ducks"


def test_what_an_attachment_says_of_itself_comes_before_what_the_message_says():
    mail = attached(message(), b"---\ndate: 2020-01-01\n---\nWords.\n", "a.md")
    assert read_bytes(mail.as_bytes(), "a.eml")[1].metadata["date"] == "2020-01-01"


def test_an_attachment_without_places_has_one():
    document = read_bytes(attached(message(), b"Words.", "a.txt").as_bytes(), "a.eml")[1]
    assert [(section.start, section.locator.attachment) for section in document.sections] == [(0, "a.txt")]


def test_a_workbook_in_a_message_without_text_is_read():
    book, file = Workbook(), io.BytesIO()
    book.active.append(["Name", "Age"])
    book.active.append(["Ann", 30])
    book.save(file)
    documents = read_bytes(attached(message(""), file.getvalue(), "a.xlsx").as_bytes(), "m.eml")
    assert documents[0].text.endswith("Subject: On ducks")
    assert documents[1].sections[-1].locator.sheet == "Sheet"
    assert documents[1].sections[-1].locator.attachment == "a.xlsx"


def test_attachments_of_one_name_are_numbered():
    mail = message()
    for number in range(3):
        mail = attached(mail, f"text {number}".encode(), "a.txt")
    assert parts(read_bytes(mail.as_bytes(), "m.eml")) == ["", "a.txt", "a (2).txt", "a (3).txt"]


def test_attachments_that_are_not_read_are_listed_with_the_reason():
    mail = attached(message(), b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "photo.png", "image/png")
    mail = attached(mail, b"PK\x03\x04 broken", "report.docx")
    mail = attached(mail, b"\x78\x9f\x3e\x22 tnef", "winmail.dat", "application/ms-tnef")
    mail = attached(mail, b"", "empty.txt")
    (document,) = read_bytes(mail.as_bytes(), "m.eml")
    photo, report, tnef, empty = document.metadata["unread_attachments"].split("; ")
    assert photo == "photo.png: a picture"
    assert report.startswith("report.docx: ")
    assert "Outlook" in tnef
    assert empty == "empty.txt: the file is empty"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="../../etc/passwd.txt"', "passwd.txt"),
        ('attachment; filename="C:\\\\docs\\\\a.txt"', "a.txt"),
        ("attachment; filename==?utf-8?Q?=C3=BCber.txt?=", "über.txt"),
        ("attachment; filename*=utf-8''%C3%BCber%20uns.txt", "über uns.txt"),
        ("inline; filename=a.txt", "a.txt"),
        ("attachment", "application.bin"),
    ],
)
def test_file_names_are_decoded_and_lose_their_folders(disposition, name):
    body = (
        f"--b\n\nHello.\n--b\nContent-Type: application/octet-stream\nContent-Disposition: {disposition}\n\nWords.\n--b--\n"
    )
    documents = read_bytes(raw("Content-Type: multipart/mixed; boundary=b", body.encode()), "m.eml")
    unread = documents[0].metadata.get("unread_attachments", "")
    assert parts(documents)[1:] == [name] or unread.startswith(f"{name}: ")


def test_a_text_attached_in_another_charset_is_read_as_the_mail_declares():
    body = (
        b"--b\n\nHello.\n--b\nContent-Type: text/plain; charset=koi8-r; name=a.txt\n\n"
        + "Привет".encode("koi8-r")
        + b"\n--b--\n"
    )
    assert read_bytes(raw("Content-Type: multipart/mixed; boundary=b", body), "m.eml")[1].text.strip() == "Привет"


def test_attachments_beside_the_html_alternative_are_found():
    body = (
        b"--b\n\nPlain.\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>Marked.</p>\n"
        b"--c\nContent-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nAttached.\n--c--\n--b--\n"
    )
    documents = read_bytes(raw("Content-Type: multipart/alternative; boundary=b", body), "m.eml")
    assert parts(documents) == ["", "a.txt"]
    assert "Marked" not in documents[0].text


def test_a_forwarded_message_is_read_with_its_own_attachments():
    mail = message("See below.")
    mail.add_attachment(attached(message("Inner words.", "Inner"), b"Deep.", "deep.txt"))
    documents = read_bytes(mail.as_bytes(), "m.eml")
    assert parts(documents) == ["", "Inner.eml", "Inner.eml/deep.txt"]
    assert documents[1].title == "Inner"
    assert documents[2].sections[0].locator.attachment == "Inner.eml/deep.txt"


@pytest.mark.parametrize("as_file", [False, True])
def test_messages_within_messages_end_at_a_depth(as_file):
    mail = message("Innermost.")
    for number in range(8):
        outer = message(f"level {number}")
        if as_file:
            attached(outer, mail.as_bytes(), "inner.eml")
        else:
            outer.add_attachment(mail)
        mail = outer
    documents = read_bytes(mail.as_bytes(), "m.eml")
    assert len(documents) == 6
    assert "deep" in documents[-1].metadata["unread_attachments"]


def test_a_message_of_very_many_or_very_deep_parts_is_bounded():
    headers = "Content-Type: multipart/mixed; boundary=b"
    many = b"".join(b"--b\nContent-Disposition: attachment; filename=a.txt\n\nword\n" for _ in range(1_200))
    documents = read_bytes(raw(headers, many), "m.eml")
    assert len(documents) == 1_001
    assert "1,000 attachments" in documents[0].metadata["unread_attachments"]
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1_500))
    assert "nested too deep" in reason(b"Subject: s\n" + deep)


def test_a_bomb_attached_to_a_message_costs_the_message_nothing():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/epub+zip")
        package.writestr("META-INF/container.xml", "<a>" + " " * 60_000_000 + "</a>")
    (document,) = read_bytes(attached(message(), file.getvalue(), "a.epub").as_bytes(), "m.eml")
    assert "unpacks" in document.metadata["unread_attachments"]


def test_a_header_of_a_million_words_takes_no_time():
    started = time.perf_counter()
    read_bytes(b"From: a@x.example\nSubject: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\nHello.\n", "m.eml")
    assert time.perf_counter() - started < 5


# ---------------------------------------------------------------------- mailboxes


def mailbox(*messages: EmailMessage) -> bytes:
    return b"".join(b"From ann@x.example Fri Mar  1 10:00:00 2024\n" + mail.as_bytes() + b"\n" for mail in messages)


def test_each_message_of_a_mailbox_is_a_document():
    second = attached(message("Two.", "Second", "2"), b"Words.", "a.txt")
    documents = read_bytes(mailbox(message("One."), second), "a.mbox")
    assert parts(documents) == ["1@x.example", "2@x.example", "2@x.example/a.txt"]
    assert [describe(document.sections[0].locator) for document in documents] == [
        "message 1",
        "message 2",
        "message 2, attachment a.txt",
    ]
    assert documents[1].title == "Second"


def test_a_message_is_called_the_same_when_others_of_its_mailbox_come_or_go():
    plain = message("No id.")
    del plain["Message-ID"]
    copies = [message("This one."), message("That one.")]  # with the same Message-ID
    mails = [message("Zero.", identity="0"), plain, *copies, attached(message("Last.", identity="9"), b"Words.", "a.txt")]
    named = {one.text: one.part for one in read_bytes(mailbox(*mails), "a.mbox")}
    assert len(set(named.values())) == 6
    for gone in range(len(mails)):
        left = {one.text: one.part for one in read_bytes(mailbox(*mails[:gone], *mails[gone + 1 :]), "a.mbox")}
        assert not [text for text, part in left.items() if part in named.values() and part != named[text]]
        if mails[gone] not in copies:
            assert left.items() <= named.items()


def test_only_a_separator_before_headers_begins_a_message():
    text = "First.\n\n>From here on it is quoted.\n\nFrom there it is not\nbut goes on.\n"
    documents = read_bytes(mailbox(message(text), message("Next.")), "a.mbox")
    assert len(documents) == 2
    assert "\nFrom here on it is quoted." in documents[0].text
    assert "From there it is not\nbut goes on." in documents[0].text


def test_a_mailbox_with_windows_line_ends_is_split():
    assert len(read_bytes(mailbox(message("One."), message("Two.")).replace(b"\n", b"\r\n"), "a.mbox")) == 2


def test_a_broken_message_costs_no_other_of_the_mailbox():
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1_500))
    broken = b"From a Fri\nSubject: s\n" + deep + b"\n\n"
    documents = read_bytes(mailbox(message("One.")) + broken + mailbox(message("Three.", identity="3")), "a.mbox")
    assert [document.sections[0].locator.message for document in documents] == [1, 3]
    assert documents[0].metadata["unread_messages"].startswith("2: ")


def test_a_mailbox_of_many_lines_that_look_like_separators_takes_no_time():
    started = time.perf_counter()
    read_bytes(b"From a\nSubject: x\n\nwords\n" + b"\nFrom x\n\n" * 200_000, "a.mbox")
    assert time.perf_counter() - started < 5


def test_a_file_without_a_suffix_is_known_as_mail():
    assert read_bytes(message().as_bytes(), "12345")[0].media_type == "message/rfc822"
    assert len(parts(read_bytes(mailbox(message(), message()), "Inbox"))) == 2


def test_a_plain_text_that_is_only_a_stub_gives_way_to_the_html():
    mail = message("Your mail client does not support HTML.")
    mail.add_alternative("<p>The harbour opens on 3 May.</p>" + "<p>Ships of all sizes may moor at pier 4.</p>" * 5, "html")
    (document,) = read_bytes(mail.as_bytes(), "a.eml")
    assert "The harbour opens on 3 May." in document.text
    assert "does not support" not in document.text
    mail = message("The harbour opens on 3 May.")
    mail.add_alternative("<style>p { color: red }</style><p>The harbour opens on <b>3 May</b>, they say.</p>", "html")
    assert "they say" not in read_bytes(mail.as_bytes(), "a.eml")[0].text
