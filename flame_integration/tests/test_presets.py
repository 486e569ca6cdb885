"""The export presets: each is well-formed, of a kind that Flame knows, and described."""

import os
import re
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

PRESETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "presets")
KINDS = ("image", "movie", "audio", "sequence")
KEYS = {"file", "purpose", "kind", "flame", "output"}


def entries_of(text):
    """Reads the index: tables of text values, which is all that Python before 3.11 needs to know."""
    entries = []
    for line in text.splitlines():
        value = re.match(r'(\w+) = "([^"]*)"', line)
        if line.strip() == "[[preset]]":
            entries.append({})
        elif value:
            entries[-1][value.group(1)] = value.group(2)
    return entries


def problems_of(folder, entries):
    """Returns what is wrong with the presets of a folder that `entries` describe."""
    found = []
    files = {name for name in os.listdir(folder) if name.endswith(".xml")}
    described = {entry.get("file") for entry in entries}
    found += ["`{}` is not in the index".format(name) for name in sorted(files - described)]
    for entry in entries:
        name = entry.get("file")
        if set(entry) != KEYS:
            found.append("`{}` is described with other keys".format(name))
        elif name not in files:
            found.append("`{}` is not there".format(name))
        else:
            found += _problems_of_file(os.path.join(folder, name), entry)
    return found


def _problems_of_file(path, entry):
    name = entry["file"]
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        return ["`{}` is not well-formed: {}".format(name, error)]
    if root.tag != "preset" or not (root.get("version") or "").isdigit():
        return ["`{}` is no preset".format(name)]
    if root.findtext("type") not in KINDS or root.findtext("type") != entry["kind"]:
        return ["`{}` is of another kind".format(name)]
    return []


class Presets(unittest.TestCase):
    def test_every_preset_is_described_and_as_described(self):
        with open(os.path.join(PRESETS, "index.toml"), encoding="utf-8") as file:
            entries = entries_of(file.read())
        self.assertEqual(problems_of(PRESETS, entries), [])

    def test_the_index_is_read(self):
        text = '# "x"\n[[preset]]\nfile = "a.xml" # beside\n\n[[preset]]\nfile = "b.xml"\n'
        self.assertEqual(entries_of(text), [{"file": "a.xml"}, {"file": "b.xml"}])

    def test_each_mistake_is_found(self):
        described = dict(file="a.xml", purpose="p", kind="image", flame=">=2025", output="o")
        good = '<preset version="14"><type>image</type></preset>'
        for source, entries, expected in (
            (good, [described], []),
            (good, [], ["`a.xml` is not in the index"]),
            (good, [dict(described, kind="movie")], ["`a.xml` is of another kind"]),
            (good, [{"file": "a.xml"}], ["`a.xml` is described with other keys"]),
            ("<preset><type>image</type></preset>", [described], ["`a.xml` is no preset"]),
            (None, [described], ["`a.xml` is not there"]),
        ):
            with self.subTest(source=source), tempfile.TemporaryDirectory() as folder:
                if source is not None:
                    with open(os.path.join(folder, "a.xml"), "w") as file:
                        file.write(source)
                self.assertEqual(problems_of(folder, entries), expected)

    def test_what_is_not_xml_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a.xml"), "w") as file:
                file.write("<preset>")
            entry = dict(file="a.xml", purpose="p", kind="image", flame=">=2025", output="o")
            self.assertIn("not well-formed", problems_of(folder, [entry])[0])


if __name__ == "__main__":
    unittest.main()
