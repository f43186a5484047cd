"""Messages such as people, old programs and bad programs write: the same ones each
time.  Made of bytes by hand, so that no library's idea of a message is in them.

usage: generate.py FOLDER    writes them there, to be looked at
"""

import base64
import binascii
import pathlib
import quopri
import random
import sys

COUNT = 2000

NAMES = ["Ann", "Bob", "Carla", "Dmitri", "Eve Adams", "F. G. Hill", "John X. Doe"]
WORDS = ["hello", "report", "for", "you", "meeting", "Re:", "on", "Monday", "2nd", "=", "?",
         "a_b", "100%", "(draft)", "[list]", "x=y", "it's", "\"so\"", "a,b", "c;d"]
# charset, text that it holds
SCRIPTS = [
    ("utf-8", "Grüße aus Zürich"), ("utf-8", "здравствуй"), ("utf-8", "日本語の件名"),
    ("utf-8", "emoji 😀 here"), ("iso-8859-1", "Jørn Støylen"), ("iso-8859-1", "déjà vu"),
    ("ISO-8859-15", "10 € später"), ("iso-8859-2", "Žluťoučký kůň"), ("windows-1252", "“quoted” – €"),
    ("koi8-r", "Привет, мир"), ("windows-1251", "Съешь ещё"), ("iso-2022-jp", "日本語"),
    ("shift_jis", "テスト"), ("euc-jp", "漢字"), ("gb2312", "中文邮件"), ("big5", "繁體中文"),
    ("euc-kr", "한국어"), ("us-ascii", "plain words"), ("UTF-8", "ÅÄÖ"),
]
TYPES = ["text/plain", "text/html", "TEXT/Plain", "image/png", "application/octet-stream",
         "application/pdf", "audio/basic", "x-a/x-b", "text/calendar"]
MULTIPARTS = ["mixed", "alternative", "related", "Mixed", "signed", "report", "digest",
              "x-unknown", "parallel"]


class Maker:
    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.eol = b"\r\n"
        self.boundaries = 0

    def chance(self, percent):
        return self.rnd.randrange(100) < percent

    def one(self, *choices):
        return self.rnd.choice(choices)

    # ---- words ---------------------------------------------------------------

    def plain_text(self, most=8):
        return " ".join(self.rnd.choice(WORDS) for _ in range(self.rnd.randrange(1, most)))

    def encoded_word(self):
        charset, text = self.rnd.choice(SCRIPTS)
        raw = text.encode(charset)
        label = charset + ("*en" if self.chance(3) else "")
        if self.chance(50):
            coded = base64.b64encode(raw).decode()
            if self.chance(3):
                coded = coded.rstrip("=")
            return f"=?{label}?{self.one('B', 'b')}?{coded}?="
        coded = "".join(chr(c) if chr(c).isalnum() and c < 128 else
                        "_" if c == 0x20 else f"={c:02X}" for c in raw)
        return f"=?{label}?{self.one('Q', 'q')}?{coded}?="

    def split_word(self):
        """A character broken over two encoded words: wrong, and common."""
        raw = "Größe 日本".encode()
        cut = self.rnd.randrange(1, len(raw))
        return " ".join(f"=?utf-8?B?{base64.b64encode(piece).decode()}?="
                        for piece in (raw[:cut], raw[cut:]))

    def bad_word(self):
        return self.one("=?utf-8?B?!!!?=", "=?x-none?Q?abc=E4?=", "=?utf-8?Q?open",
                        "=?utf-8?X?abc?=", "=?utf-8?Q?a b?=", "=?utf-8?B?YWJj", "=??Q?a?=",
                        "=?utf-8?Q??=", "=?utf-8?Q?=ff=fe?=", "=?iso-8859-1?Q?a?b?=",
                        "=?utf-8?B?4pyT=?=", "a=?utf-8?Q?b?=c", "=?utf-8?q?=E4=B8?=")

    def text(self):
        """An unstructured value."""
        kind = self.rnd.randrange(100)
        if kind < 35:
            return self.plain_text()
        if kind < 60:
            return self.one(" ", " ", " and ", "\r\n ").join(
                self.encoded_word() for _ in range(self.rnd.randrange(1, 4)))
        if kind < 75:
            return self.plain_text(4) + " " + self.encoded_word() + " " + self.plain_text(4)
        if kind < 81:
            return self.split_word()
        if kind < 88:
            return self.plain_text(3) + " " + self.bad_word() + self.one("", " end")
        if kind < 93:
            return self.rnd.choice(SCRIPTS)[1]          # UTF-8 as it is, RFC 6532
        if kind < 95:
            return ""
        return self.plain_text() + "\r\n\t" + self.plain_text()

    # ---- addresses -------------------------------------------------------------

    def phrase(self):
        kind = self.rnd.randrange(100)
        if kind < 35:
            return self.rnd.choice(NAMES)
        if kind < 55:
            return self.one('"Hill, Fanny"', '"Bob \\"the\\" Builder"', '"A\\\\B"', '"O\'Neill"',
                            '"a@b.example"', '" padded "', '"semi; colon: and <angle>"')
        if kind < 80:
            return self.encoded_word()
        if kind < 85:
            return self.encoded_word() + " " + self.encoded_word()
        if kind < 90:
            return self.rnd.choice(NAMES) + " (a comment) " + self.rnd.choice(NAMES)
        if kind < 94:
            return f'"{self.encoded_word()}"'
        return self.rnd.choice(SCRIPTS)[1].replace(",", "").replace("(", "")

    def addr_spec(self):
        return self.one(
            "ann@a.example", "bob.b+tag@b.example", "Carla@C.Example", "d-e_f@x-y.example",
            '"quoted local"@q.example', '"a\\"b"@q.example', "o'neill@i.example",
            "user@[192.0.2.1]", "user@[IPv6:2001:db8::1]", "ann @ a.example",
            "ann(comment)@a(other).example", "j . doe @ a . example", "x@münchen.example",
            "pelé@p.example", "a=b@e.example", "x/y@z.example", "ends.with.dot.@d.example",
            "two..dots@d.example")

    def mailbox(self):
        kind = self.rnd.randrange(100)
        if kind < 30:
            return self.addr_spec()
        if kind < 80:
            return f"{self.phrase()} <{self.addr_spec()}>"
        if kind < 88:
            return f"{self.addr_spec()} ({self.one('Ann Example', 'a (nested) one', 'x')})"
        if kind < 92:
            return f"{self.phrase()} <@relay.example,@b.example:{self.addr_spec()}>"
        return self.one("root", "<>", "Nobody <>", "A B C", "<ann@a.example", "ann@", "@a.example",
                        "ann@a.example>", "a@b@c.example", "Ann <ann@a.example> tail",
                        "(only a comment)", '"open <ann@a.example>', "ann@a.example bob@b.example",
                        "Ann <ann@a.example> Bob <bob@b.example>", "ann@a.example; bob@b.example")

    def addresses(self):
        items = [self.mailbox() for _ in range(self.rnd.choice([1, 1, 1, 2, 2, 3, 5]))]
        if items[0].startswith('"open'):        # nobody knows where it would end
            return items[0]
        items = [item for item in items if not item.startswith('"open')]
        if self.chance(8):
            items.append(self.one("Undisclosed recipients:;", "Team: ann@a.example, Bob <b@b.example>;",
                                  '"The, Team": c@c.example;', "Empty : ;",
                                  "A (x) Group:Ed Jones <joe@where.test>,john@one.test;"))
        if self.chance(4):
            items.insert(self.rnd.randrange(len(items) + 1), "")
        return self.one(", ", ", ", ",", ",\r\n\t", " ,\r\n ").join(items)

    # ---- dates -----------------------------------------------------------------

    def date(self):
        return self.one(
            "Fri, 21 Nov 1997 09:55:06 -0600", "21 Nov 97 09:55:06 GMT", "Thu, 4 May 2001 14:05:44 EST",
            "Mon, 24 Nov 1997 14:22:01 -0800", "Thu, 13 Feb 1969 23:32 -0330", "1 Jan 2000 00:00 Z",
            "Thu,\r\n 13\r\n  Feb\r\n   1969\r\n 23:32\r\n -0330 (Newfoundland Time)",
            "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "Tue, 1 Jul 103 10:52:37 +0200",
            "21 nov 2024 10:00:00 +0000", "Wed, 29 Feb 2023 10:00:00 +0000", "yesterday", "",
            "Fri, 21 Nov 1997 25:00:00 +0000", "Fri, 21 Nov 1997 09:55:06 -0000",
            "Sun, 31 Dec 2023 23:59:60 +0000", "Fri, 21 Nov 49 09:55:06 UT", "1 Jan 50 00:00:00 PDT",
            "Fri, 21 Nov 1997 09:55:06 A", "Fri, 21 Nov 1997 09:55:06 XYZ", "Fri, 21 Nov 1997 09:55:06",
            "Fri, 21 Nov 1997 09:55:06 +9999", "21 Nov 0000 09:55:06 +0000",
            "Sat, 1 Jan 2022 00:00:00 +0545", "Mon, 1 Jan 2024 12:00:00 +0100 (CET)")

    # ---- parameters --------------------------------------------------------------

    def parameter(self, name):
        """name=value in one of its forms."""
        kind = self.rnd.randrange(100)
        charset, text = self.rnd.choice(SCRIPTS)
        if kind < 25:
            return f"{name}={self.one('plain.txt', 'a-b_c.pdf', 'UPPER.PNG')}"
        if kind < 45:
            value = self.one("two words.txt", 'a \\"b\\".txt', "semi;colon.txt", "back\\\\slash", "")
            return f'{name}="{value}"'
        percent = "".join(f"%{c:02X}" for c in text.encode(charset))
        if kind < 60:
            return f"{name}*={charset}'{self.one('', 'en')}'{percent}"
        if kind < 70:
            cut = self.rnd.randrange(1, len(percent) // 3) * 3 if len(percent) > 3 else 3
            pieces = [f"{name}*0*={charset}''{percent[:cut]}", f"{name}*1*={percent[cut:] or '%41'}"]
            if self.chance(30):
                pieces.reverse()
            return self.one("; ", ";\r\n\t").join(pieces)
        if kind < 78:
            return f'{name}*0="first part "; {name}*1="and second.txt"'
        if kind < 84:
            return f"{name}*0*={charset}''{percent}; {name}*1=.txt"
        if kind < 92:
            return f'{name}="{self.encoded_word()}"'
        if kind < 95:
            return f"{name} = spaced.txt"
        return self.one(f"{name}=plain.txt; {name}*=utf-8''%C3%A4.txt", f"{name}=a b.txt",
                        f'{name}="no end', f"{name}=", f"{name}*=%41%zz", f"{name}=(c)x.txt",
                        f"{name}=one; {name}=two", f"{name}*1=b; {name}*0=a", f"{name}*0=a; {name}*2=c")

    # ---- bodies --------------------------------------------------------------------

    def lines(self):
        count = self.rnd.randrange(0, 8)
        text = [self.one(self.plain_text(), "", "From here", ".", "-- ", "--", "trailing blank ",
                         "--not a boundary", "\ttab", "=3D is equal", "x" * 90)
                for _ in range(count)]
        return self.eol.join(line.encode() for line in text) + (self.eol if self.chance(70) else b"")

    def body_text(self):
        """(charset, bytes)"""
        charset, text = self.rnd.choice(SCRIPTS)
        return charset, self.lines() + text.encode(charset) + self.eol

    def as_qp(self, raw):
        coded = quopri.encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", self.eol)
        kind = self.rnd.randrange(100)
        if kind < 8:
            coded = coded.replace(b"=3D", b"=3d")
        elif kind < 16:
            coded += self.one(b"=ZZ bad", b"ends in =", b"a = b" + self.eol, b"=E", b"=4",
                              b"soft = " + self.eol + b"more", b"=" + self.eol + b"=" + self.eol)
        elif kind < 20:
            coded = coded.replace(self.eol, b" \t" + self.eol)
        return coded

    def as_base64(self, raw):
        coded = base64.encodebytes(raw).replace(b"\n", self.eol)
        kind = self.rnd.randrange(100)
        if kind < 4:
            coded = coded.rstrip(b"=\r\n")
        elif kind < 8:
            coded += self.one(b"trailing words" + self.eol, b"Z2x1ZWQ=" + self.eol,
                              b"-- " + self.eol)
        elif kind < 12:
            coded = coded[:9] + self.one(b"!", b" ", b"*&", b"\t") + coded[9:]
        elif kind < 15:
            coded = binascii.b2a_base64(raw, newline=False)
        return coded

    def leaf(self):
        """(fields, body) of a part that has no parts."""
        kind = self.rnd.choice(TYPES)
        charset, raw = self.body_text()
        if not kind.lower().startswith("text/"):
            raw = self.rnd.randbytes(self.rnd.randrange(0, 200))
        fields = [("Content-Type", kind)]
        if kind.lower().startswith("text/") and self.chance(85):
            fields = [("Content-Type", f"{kind}; {self.one('charset', 'Charset')}="
                       + self.one(charset, f'"{charset}"', charset.upper()))]
        if self.chance(15):
            fields = [(fields[0][0], fields[0][1] + "; " + self.parameter("name"))]
        if self.chance(4):
            fields = [("Content-Type", self.one(
                "text", "", "text/", "/plain", "text/plain/x", "text plain", "text/plain;;",
                "text/html (comment); charset=utf-8", "text / plain", "; charset=utf-8",
                "text/plain; charset", "text/plain charset=utf-8", "*/*"))]
        if self.chance(5):
            fields = []
        if self.chance(30):
            value = self.one("attachment", "inline", "Attachment", "x-other")
            if self.chance(85):
                value += "; " + self.parameter("filename")
            fields.append(("Content-Disposition", value))
        encoding = self.rnd.randrange(100)
        is_text = kind.lower().startswith("text/")
        if encoding < 35 and is_text:
            if self.chance(50):
                fields.append(("Content-Transfer-Encoding", self.one("8bit", "7bit", "binary", "8BIT")))
            return fields, raw
        if encoding < 65 and is_text:
            fields.append(("Content-Transfer-Encoding",
                           self.one("quoted-printable", "Quoted-Printable", "QUOTED-PRINTABLE")
                           + self.one(*[""] * 30, " ", " (c)")))
            return fields, self.as_qp(raw)
        if encoding < 97 or not is_text:
            fields.append(("Content-Transfer-Encoding",
                           self.one("base64", "BASE64") + self.one(*[""] * 30, " (c)", ";")))
            return fields, self.as_base64(raw)
        fields.append(("Content-Transfer-Encoding", self.one("x-uuencode", "utf-8", "", "7-bit")))
        return fields, self.lines()

    def boundary(self):
        self.boundaries += 1
        base = f"b{self.boundaries}" if self.chance(50) else "b"
        return base + self.one("", "-", "=_x", "--", " y", ".1", "'()+_,-./:=?", "x" * 60)

    def multipart(self, depth):
        boundary = self.boundary()
        shown = boundary if boundary.isalnum() and self.chance(50) else f'"{boundary}"'
        fields = [("Content-Type", f"multipart/{self.rnd.choice(MULTIPARTS)}; boundary={shown}")]
        mark = b"--" + boundary.encode()
        body = self.one(b"", b"This is a multipart message." + self.eol + self.eol)
        for _ in range(self.rnd.choice([0, 1, 1, 2, 2, 2, 3, 4])):
            part_fields, part_body = self.entity(depth + 1)
            blank = b"" if self.chance(1) else self.eol
            body += mark + self.one(b"", b"", b"", b" ", b"\t ") + self.eol
            body += self.head(part_fields) + blank + part_body + self.eol
        if not self.chance(4):
            body += mark + b"--" + self.eol
            body += self.one(b"", b"", b"epilogue" + self.eol)
        if self.chance(2):
            fields = [("Content-Type", "multipart/mixed; boundary=" + self.one("", "other", '""'))]
        if self.chance(2):
            fields = [("Content-Type", "multipart/mixed")]
        return fields, body

    def entity(self, depth):
        kind = self.rnd.randrange(100)
        if depth < 5 and kind < (45 if depth == 0 else 25):
            return self.multipart(depth)
        if depth < 4 and kind >= 93:
            return [("Content-Type", "message/rfc822")], self.message_in(depth + 1)
        return self.leaf()

    # ---- heads ---------------------------------------------------------------------

    def head(self, fields):
        out = b""
        for name, value in fields:
            blank = self.one(" ", " ", " ", "", "  ", "\t") if self.chance(20) else " "
            out += f"{name}:{blank}{value}".encode() + b"\r\n"
        return out.replace(b"\r\n", self.eol)

    def fields(self):
        made = [("From", self.mailbox() if self.chance(90) else self.addresses()),
                ("To", self.addresses()), ("Subject", self.text()), ("Date", self.date()),
                ("Message-ID", f"<{self.rnd.randrange(10 ** 9)}@id.example>")]
        if self.chance(30):
            made.append(("Cc", self.addresses()))
        if self.chance(20):
            made.append(("Reply-To", self.mailbox()))
        if self.chance(10):
            made.append(("Sender", self.mailbox()))
        self.rnd.shuffle(made)
        for _ in range(self.rnd.randrange(0, 2)):
            made.pop()
        if self.chance(2):
            made.append(made[0])
        return made

    def message_in(self, depth):
        part_fields, body = self.entity(depth)
        fields = self.fields()
        if self.chance(80):
            fields.append(("MIME-Version", "1.0"))
        head = self.head(fields + part_fields)
        if self.chance(2):
            head += self.one(b"no field here", b": no name", b"From mbox") + self.eol
        return head + self.eol + body

    def message(self):
        self.eol = b"\n" if self.chance(5) else b"\r\n"
        raw = self.message_in(0)
        if self.chance(1):
            raw = raw[:self.rnd.randrange(len(raw))]
        return raw


def messages(count=COUNT, seed=5322):
    maker = Maker(seed)
    for _ in range(count):
        yield maker.message()


def main():
    folder = pathlib.Path(sys.argv[1])
    for number, raw in enumerate(messages()):
        (folder / f"{number:04}.eml").write_bytes(raw)


if __name__ == "__main__":
    main()
