"""Documents to text: what is kept, what is left out, titles, and files that cannot be read."""

import hashlib
import io
import sys
import zipfile
from pathlib import Path
from random import Random

import pytest

from tunewright.data import documents
from tunewright.data.documents import Document, read_document_passages, read_documents
from tunewright.data.html_text import html_text
from tunewright.data.refusals import ReadLog, RefusedError
from tunewright.data.sources import read_path
from tunewright.errors import DataError, MissingExtraError
from tunewright.records import DataRecipe, PlainText


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read(folder: Path) -> tuple[list[Document], ReadLog]:
    log = ReadLog(str(folder))
    return list(read_documents(folder, log)), log


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF file by hand: one text object per page, positions of the objects in the table at its end."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"{page} /Contents {5 + 2 * index} 0 R >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append(f"<< /Title ({title}) >>")
    data = "%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return (data + f"xref\n0 {size}\n0000000000 65535 f \n{table}" + trailer).encode()


def docx() -> bytes:
    module = pytest.importorskip("docx")
    document = module.Document()
    document.core_properties.title = "Price list"
    document.add_heading("Prices", 1)
    document.add_paragraph("All prices in euro.")
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, (("Item", "Price"), ("Lamp", "12")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("Ask us.")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def text_of_docx(folder: Path, body: str) -> str:
    """What is read of a DOCX file with a body of its own, in WordprocessingML."""
    content = f"<w:document {WORD}><w:body>{body}</w:body></w:document>"
    write(folder / "a.docx", with_part(docx(), "word/document.xml", content.encode()))
    (document,), log = read(folder)
    log.raise_if_refused()
    return document.text


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """A zip file in which one part has another content."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    return file.getvalue()


def p(*parts: str) -> str:
    """A paragraph of runs; a part that begins with < stands as it is."""
    return f"<w:p>{''.join(part if part.startswith('<') else run(part) for part in parts)}</w:p>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def control(content: str) -> str:
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def test_a_folder_is_read_in_the_order_of_paths_without_hidden_files(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfOnce.\r\n\r\nTwice.\r"
    write(tmp_path / "b.TXT", data)
    write(tmp_path / "a" / "fees.md", b"Intro\n# Our  fees\nNone.")
    write(tmp_path / ".git" / "notes.txt", b"hidden")
    write(tmp_path / ".hidden.md", b"hidden")
    found, log = read(tmp_path)
    assert found == [
        Document(
            str(tmp_path / "a" / "fees.md"),
            "Intro\n# Our  fees\nNone.",
            "Our fees",
            hashlib.sha256(b"Intro\n# Our  fees\nNone.").hexdigest(),
        ),
        Document(str(tmp_path / "b.TXT"), "Once.\n\nTwice.\n", "b", hashlib.sha256(data).hexdigest()),
    ]
    assert log.warnings == []
    assert list(found[1].passages()) == ["Once.\n\nTwice."]


def test_what_is_left_out_of_a_folder_is_named_in_warnings(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    for name in ("a.md", "x.png", "y.png", "README"):
        write(folder / name, b"text")
    write(folder / "empty.md", b"\n \n")
    write(tmp_path / "shared" / "b.md", b"text")
    (folder / "linked").symlink_to(tmp_path / "shared")
    found, log = read(folder)
    assert [document.title for document in found] == ["a"]
    assert log.warnings == [
        "files that are no documents were left out: 2 x .png, 1 x no suffix",
        "links to folders were not followed: linked",
        "documents without text were left out: empty.md",
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"found an empty folder, expected documents \(\.txt, \.md, .*Check the path"),
        (
            ["a.jsonl"],
            r"found a folder with other files only \(1 x \.jsonl\).*Name the files .* by a pattern.*\*\.jsonl",
        ),
    ],
)
def test_a_folder_without_documents_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        write(tmp_path / name, b"x")
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_document_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    write(tmp_path / "a.md", b"x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a\.md: found Permission denied, expected a readable file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<h1>Fees</h1><p>We charge <b>no</b>\n  fee.</p><p>Ever.", "Fees\n\nWe charge no fee.\n\nEver."),
        ("<p>a<script>x()</script>b<style>p{}</style><!-- note -->c", "abc"),
        ("<nav><a>Home</a></nav><main>Text<br>next</main>tail", "Text\nnext\n\ntail"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2"),
        ("<p>before</p><pre>def f():\n    <b>return</b> 1\n</pre>after", "before\n\ndef f():\n    return 1\n\nafter"),
        ("&lt;b&gt; &amp; caf&eacute; naïve", "<b> & café naïve"),
        ('<?xml version="1.0" encoding="latin-1"?><html><body><p>ä</p></body></html>', "ä"),
        ("<div><div><p>deep</p></div></div> <p> \n </p><p>end</p>", "deep\n\nend"),
        ("<details><summary>Abroad?</summary>Two euros.</details>", "Abroad?\n\nTwo euros."),
        ("<details><summary><button>Abroad?</button></summary>Two euros.</details>", "Abroad?\n\nTwo euros."),
        ("<h2><span><button>Returns?</button></span></h2><button>Close</button><div>Free.</div>", "Returns?\n\nFree."),
        ("<dl><dt><button>Fee</button><dd>None.</dl>", "Fee\nNone."),
        ("<fieldset><legend>Address</legend>Where you live.</fieldset>", "Address\n\nWhere you live."),
        ("<table><caption>Fees</caption><tr><td>a</td></tr></table>", "Fees\n\na"),
        ("<label>To<select><option>Austria<option>Peru</select></label><label>By</label>", "To\nAustria\nPeru\nBy"),
        ("<ul><li><label>one</label></li><li> <label>two</label></ul>", "- one\n- two"),
        ("<table><tr><td><label>To</label></td><td><label>By</label></td></tr></table>", "To | By"),
    ],
)
def test_the_text_of_a_page_is_what_a_reader_sees(page: str, text: str) -> None:
    assert html_text(page)[0] == text


def test_a_comment_in_a_code_block_is_not_the_title_of_a_text(tmp_path: Path) -> None:
    write(tmp_path / "a.md", b"```bash\n# install\n```\n# The manual\n")
    write(tmp_path / "b.md", b"```bash\n# install\n```\n")
    found, _ = read(tmp_path)
    assert [document.title for document in found] == ["The manual", "b"]


def test_the_title_of_a_page_is_found_and_is_no_text() -> None:
    assert html_text("<head><title>Fees\n2026</title></head><body>Text</body>") == ("Text", "Fees\n2026")


def test_the_text_behind_deep_nesting_and_behind_ten_megabytes_is_kept() -> None:
    page = f"<p>start{'<div>' * 2000}quoted{'</div>' * 2000}<p>end"
    assert html_text(page)[0] == "start\n\nquoted\n\nend"
    assert html_text(f"<p>start<img src='{'x' * 11_000_000}'><p>end")[0] == "start\n\nend"


def test_a_page_that_is_nested_too_deep_to_be_read_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"line 2: found excessive depth.*read to its end\. Close the tags"):
        html_text(f"<p>start\n{'<div>' * 100_000}quoted")


def test_a_page_of_nothing_is_refused() -> None:
    with pytest.raises(RefusedError, match="found document is empty, expected an HTML page"):
        html_text("")


def test_pdf_pages_become_paragraphs(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    write(tmp_path / "a.pdf", pdf("First page.", "Second page.", title="The manual"))
    found, _ = read(tmp_path)
    assert (found[0].text, found[0].title) == ("First page.\n\nSecond page.", "The manual")


def test_docx_paragraphs_and_tables_stay_in_order(tmp_path: Path) -> None:
    write(tmp_path / "a.docx", docx())
    found, _ = read(tmp_path)
    assert found[0].text == "Prices\n\nAll prices in euro.\n\nItem | Price\nLamp | 12\n\nAsk us."
    assert found[0].title == "Price list"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(p("One.") + control(control(p("Two."))) + p("Three."), "One.\n\nTwo.\n\nThree.", id="control"),
        pytest.param(p("It is ", control(run("not free")), "."), "It is not free.", id="control in a line"),
        pytest.param(
            p(
                "Within ",
                "<w:del><w:r><w:delText>14</w:delText></w:r></w:del>",
                f"<w:ins>{run('30')}</w:ins>",
                " days.",
            ),
            "Within 30 days.",
            id="tracked change",
        ),
        pytest.param(
            p(f"<w:moveFrom>{run('Moved. ')}</w:moveFrom>", "First.", f"<w:moveTo>{run(' Moved.')}</w:moveTo>"),
            "First. Moved.",
            id="moved text",
        ),
        pytest.param(
            p(
                f"<w:hyperlink>{run('See')}</w:hyperlink>",
                "<w:r><w:tab/><w:br/></w:r>",
                f"<w:smartTag>{run('us')}</w:smartTag>",
            ),
            "See\t\nus",
            id="link, tab and break",
        ),
        pytest.param(p("<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>", "Text."), "Text.", id="tab stop"),
        pytest.param(
            p(f"<w:r><w:ruby><w:rt>{run('kan')}</w:rt><w:rubyBase>{run('感')}</w:rubyBase></w:ruby></w:r>"),
            "感",
            id="ruby",
        ),
        pytest.param(
            p("Before.", f"<w:r><w:pict><w:txbxContent>{p('In a box.')}</w:txbxContent></w:pict></w:r>", " After.")
            + p("End."),
            "Before. After.\n\nIn a box.\n\nEnd.",
            id="text box",
        ),
    ],
)
def test_the_text_of_a_docx_file_is_that_with_all_changes_accepted(tmp_path: Path, body: str, text: str) -> None:
    assert text_of_docx(tmp_path, body) == text


def test_a_text_box_that_is_repeated_for_old_programs_is_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{p('In a box.')}</w:txbxContent>"
    choices = f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
    namespace = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    paragraph = p(f"<w:r><mc:AlternateContent {namespace}>{choices}</mc:AlternateContent></w:r>")
    assert text_of_docx(tmp_path, paragraph) == "In a box."


def test_a_merged_cell_is_written_once_and_tables_in_cells_and_rows_in_controls_are_read(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        return f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr>"

    span = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>'
    below = "<w:tcPr><w:vMerge/></w:tcPr>"
    rows = row(span + p("Fees")) + row(p("card"), p("1")) + row(below + p(), p("2")) + row(p(), p())
    inner = f"<w:tbl>{row(p('in'), p('side'))}</w:tbl>"
    table = f"<w:tbl>{rows}{control(row(p('cash'), control(p('3'))))}{row(p('a') + inner + p(), p('b'))}</w:tbl>"
    assert text_of_docx(tmp_path, table) == "Fees\ncard | 1\n | 2\ncash | 3\na\nin | side | b"


def zip_of(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.pdf", b"%PDF-1.4 and nothing", r"a\.pdf: found .*expected a sound PDF file"),
        ("a.pdf", b"", r"a\.pdf: found .*expected a sound PDF file"),
        ("a.docx", b"no zip", r"a\.docx: found BadZipFile.*expected a sound DOCX file"),
        ("a.docx", zip_of("other.xml", b"<a/>"), r"a\.docx: found .*expected a sound DOCX file"),
        ("a.docx", zip_of("[Content_Types].xml", b"<broken"), r"a\.docx: found .*expected a sound DOCX file"),
        ("a.md", b"x\0y", r"a\.md byte 2: found a NUL byte"),
        ("a.html", "ü".encode("utf-16"), r"a\.html byte 1: found text in UTF-16"),
        ("a.html", b"", r"a\.html: found document is empty"),
    ],
)
def test_a_damaged_document_is_refused_by_name(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    pytest.importorskip("pypdf")
    pytest.importorskip("docx")
    write(tmp_path / name, data)
    _, log = read(tmp_path)
    with pytest.raises(DataError, match=message):
        log.raise_if_refused()


def test_a_document_cut_anywhere_is_refused_or_read_and_never_crashes(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    for name, data in (("a.pdf", pdf("First page.")), ("a.docx", docx())):
        for size in range(0, len(data), max(1, len(data) // 25)):
            file = write(tmp_path / name, data[:size])
            read(tmp_path)
            file.unlink()


def flipped(data: bytes, random: Random) -> bytes:
    """With one byte in ten thousand changed, at least one."""
    changed = bytearray(data)
    for _ in range(1 + len(data) // 10_000):
        changed[random.randrange(len(data))] = random.randrange(256)
    return bytes(changed)


def flipped_docx(data: bytes, random: Random) -> bytes:
    """Half of the files are damaged inside a part, which the check sums of a zip file would tell otherwise."""
    if random.random() < 0.5:
        return flipped(data, random)
    name = random.choice(["[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/_rels/document.xml.rels"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tags = archive.read(name).split(b"<")
    tags[random.randrange(1, len(tags))] = random.choice([b"a/>", b"a>", b"/a>"])
    return with_part(data, name, b"<".join(tags))


def locked_pdf(algorithm: str | None, password: str = "") -> bytes:
    """The owner's password, which forbids to print, keeps nobody from reading when the user's is empty."""
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("First page.")))
    for page in writer.pages:
        page.compress_content_streams()
    if algorithm:
        writer.encrypt(password, "owner", algorithm=algorithm)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["docx", "pdf", "pdf RC4-128", "pdf AES-256"])
def test_a_document_with_bytes_changed_is_refused_or_read_and_never_crashes(kind: str) -> None:
    suffix, _, algorithm = kind.partition(" ")
    random = Random(0)
    whole, damage = (docx(), flipped_docx) if suffix == "docx" else (locked_pdf(algorithm or None), flipped)
    num_refused = 0
    for _ in range(150):
        log = ReadLog("a")
        list(read_document_passages(f".{suffix}", io.BytesIO(damage(whole, random)), log))
        try:
            log.raise_if_refused()
        except DataError:
            num_refused += 1
    assert 0 < num_refused < 150


@pytest.mark.parametrize(
    ("name", "data"), [("a.md", b"x" * 101), ("a.docx", zip_of("zeros", b"\0" * 1000)), ("a.html", b" " * 101)]
)
def test_a_document_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes
) -> None:
    pytest.importorskip("docx")
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 200 if name == "a.docx" else 100)
    write(tmp_path / name, data)
    _, log = read(tmp_path)
    with pytest.raises(DataError, match=r"found a document of more than \d+ bytes, expected smaller documents"):
        log.raise_if_refused()


@pytest.mark.parametrize(
    ("name", "package", "module"), [("a.pdf", "pypdf", "pypdf"), ("a.docx", "python-docx", "docx")]
)
def test_without_its_library_a_document_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str, module: str
) -> None:
    write(tmp_path / name, b"x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is needed to read .*tunewright\[documents\]"):
        read(tmp_path)


def test_a_single_document_is_read_like_a_text_file(tmp_path: Path) -> None:
    path = write(tmp_path / "fees.html", b"<h1>Fees</h1><p>None.")
    (rows,) = read_path(str(path), DataRecipe(path="x"), None)
    assert [(row.body, str(row.provenance)) for row in rows.examples] == [
        (PlainText(text="Fees\n\nNone."), f"{path}:1")
    ]
    write(path, b"")
    with pytest.raises(DataError, match="found an empty file"):
        read_path(str(path), DataRecipe(path="x"), None)
    write(path, b"\xff")
    with pytest.raises(DataError, match=r"fees\.html byte 1: found 0xff"):
        read_path(str(path), DataRecipe(path="x"), None)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_anybody_may_open_is_read_although_it_is_encrypted(tmp_path: Path, algorithm: str) -> None:
    write(tmp_path / "a.pdf", locked_pdf(algorithm))
    assert [document.text for document in read(tmp_path)[0]] == ["First page."]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_locked_pdf_is_refused(tmp_path: Path, algorithm: str) -> None:
    write(tmp_path / "a.pdf", locked_pdf(algorithm, "s3cret"))
    _, log = read(tmp_path)
    with pytest.raises(DataError, match=r"a\.pdf: found FileNotDecryptedError.*save it again, without a password"):
        log.raise_if_refused()


def test_an_encrypted_pdf_without_the_library_for_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pypdf = pytest.importorskip("pypdf")

    def refuse(*_: object) -> None:
        raise pypdf.errors.DependencyError("cryptography>=3.1 is required for AES algorithm")

    monkeypatch.setattr(pypdf, "PdfReader", refuse)
    write(tmp_path / "a.pdf", b"")
    _, log = read(tmp_path)
    with pytest.raises(DataError, match=r"cryptography>=3\.1 is required.*pip install 'tunewright\[documents\]'"):
        log.raise_if_refused()
