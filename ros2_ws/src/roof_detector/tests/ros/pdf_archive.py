# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What keeps a PDF from being PDF/A-3b (ISO 19005-3), found by reading it with pypdf."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from pypdf import PdfReader
from pypdf.generic import (
    ArrayObject,
    ContentStream,
    DictionaryObject,
    IndirectObject,
    NameObject,
    StreamObject,
)

_ID = '{http://www.aiim.org/pdfa/ns/id/}'
# Namespaces of XMP 2005, which need no schema of their own in the file (6.6.2.3).
_XMP = {
    'http://purl.org/dc/elements/1.1/',
    'http://ns.adobe.com/xap/1.0/',
    'http://ns.adobe.com/xap/1.0/mm/',
    'http://ns.adobe.com/xap/1.0/t/pg/',
    'http://ns.adobe.com/pdf/1.3/',
    'http://www.aiim.org/pdfa/ns/id/',
    'http://www.aiim.org/pdfa/ns/extension/',
}
_ACTIONS = {'/GoTo', '/GoToR', '/GoToE', '/Thread', '/URI', '/Named', '/SubmitForm'}
_ANNOTATIONS_OUT = {'/3D', '/Sound', '/Screen', '/Movie', '/RichMedia'}
_RELATIONS = {'/Source', '/Data', '/Alternative', '/Supplement', '/Unspecified'}
_INTENTS = {'/RelativeColorimetric', '/AbsoluteColorimetric', '/Perceptual', '/Saturation'}
_BLENDS = {
    *('/Normal', '/Compatible', '/Multiply', '/Screen', '/Overlay', '/Darken', '/Lighten'),
    *('/ColorDodge', '/ColorBurn', '/HardLight', '/SoftLight', '/Difference', '/Exclusion'),
    *('/Hue', '/Saturation', '/Color', '/Luminosity'),
}
_OPERATORS = {
    *(
        'b',
        'B',
        'b*',
        'B*',
        'BDC',
        'BI',
        'BMC',
        'BT',
        'BX',
        'c',
        'cm',
        'CS',
        'cs',
        'd',
        'd0',
        'd1',
    ),
    *(
        'Do',
        'DP',
        'EI',
        'EMC',
        'ET',
        'EX',
        'f',
        'F',
        'f*',
        'G',
        'g',
        'gs',
        'h',
        'i',
        'ID',
        'INLINE IMAGE',
    ),
    *(
        'j',
        'J',
        'K',
        'k',
        'l',
        'm',
        'M',
        'MP',
        'n',
        'q',
        'Q',
        're',
        'RG',
        'rg',
        'ri',
        's',
        'S',
        'SC',
    ),
    *(
        'sc',
        'SCN',
        'scn',
        'sh',
        'T*',
        'Tc',
        'Td',
        'TD',
        'Tf',
        'Tj',
        'TJ',
        'TL',
        'Tm',
        'Tr',
        'Ts',
        'Tw',
    ),
    *('Tz', 'v', 'w', 'W', 'W*', 'y', "'", '"'),
}
_COLOUR_OF_DEVICE = {'rg': 'RGB', 'RG': 'RGB', 'k': 'CMYK', 'K': 'CMYK', 'g': 'Gray', 'G': 'Gray'}
_EMBEDDED = ('/FontFile', '/FontFile2', '/FontFile3')


def archive_faults(data: bytes) -> list[str]:
    """Return what PDF/A-3b forbids or misses, with the clause, each once."""
    faults: list[str] = []
    if not re.match(rb'%PDF-1\.[0-7]\r?\n%[\x80-\xff]{4}', data):
        faults.append('6.1.2: the header is not %PDF-1.n and a comment of four high bytes')
    if not re.search(rb'%%EOF\r?\n?\Z', data):
        faults.append('6.1.3: something stands after the end of the file')
    reader = PdfReader(io.BytesIO(data), strict=True)
    trailer, root = reader.trailer, reader.trailer['/Root']
    if '/Encrypt' in trailer or len(trailer.get('/ID', ())) != 2:
        faults.append('6.1.3: the trailer is encrypted or has no ID')
    faults += _metadata(root)
    colours, fault = _output_intent(root)
    faults += fault
    for name in ('/AA', '/Requirements', '/AlternatePresentations', '/NeedsRendering'):
        if name in root:
            faults.append(f'6.5.2, 6.10: the catalog has {name}')
    if '/XFA' in root.get('/AcroForm', {}) or root.get('/AcroForm', {}).get('/NeedAppearances'):
        faults.append('6.4: the form has XFA or wants its looks made')
    associated = {one.idnum for one in root.get('/AF', ()) if isinstance(one, IndirectObject)}
    for number, found in _objects(reader):
        if isinstance(found, StreamObject):
            faults += _stream(found, reader, colours)
        if isinstance(found, DictionaryObject):
            faults += _dictionary(found)
            if found.get('/Type') == '/Filespec':
                faults += _attachment(found, is_associated=number in associated)
    for page in reader.pages:
        if '/AA' in page:
            faults.append('6.5.2: a page has actions of its own')
        if max(map(float, page.mediabox[2:])) > 14_400 or '/PresSteps' in page:
            faults.append('6.1.13, 6.10: a page is too large or has steps of a presentation')
        if page.get('/Contents') is not None:
            faults += _content(page.get_contents(), page['/Resources'], reader, colours)
    return sorted(set(faults))


def _objects(reader):
    """Yield the number and the value of every object, also of those inside others."""
    numbers = {number for table in reader.xref.values() for number in table}
    for number in sorted(numbers | set(reader.xref_objStm)):
        if number:
            yield from ((number, one) for one in _inner(reader.get_object(number)))


def _inner(value):
    yield value
    values = ()
    if isinstance(value, DictionaryObject):
        values = list(value.values())
    elif isinstance(value, ArrayObject):
        values = list(value)
    for one in values:
        if not isinstance(one, IndirectObject):
            yield from _inner(one)


def _metadata(root) -> list[str]:
    stream = root.get('/Metadata')
    if stream is None:
        return ['6.6.2: there is no XMP']
    packet = stream.get_object().get_data()
    if re.search(rb'<\?xpacket begin=[^>]*(bytes|encoding)=', packet):
        return ['6.6.2.1: the packet of XMP names bytes or an encoding']
    tree = ElementTree.fromstring(packet.decode())
    faults = []
    for name, wanted in (('part', {'3'}), ('conformance', {'A', 'B', 'U'})):
        if tree.findtext(f'.//{_ID}{name}') not in wanted:
            faults.append(f'6.6.4: pdfaid:{name} is not one of {sorted(wanted)}')
    rdf = '{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description'
    for description in tree.iter(rdf):
        spaces = {one.tag[1:].partition('}')[0] for one in description}
        faults += [f'6.6.2.3: XMP has {one}' for one in sorted(spaces - _XMP)]
    return faults


def _output_intent(root) -> tuple[set[str], list[str]]:
    """Return the device colours that the intent allows, and faults of it."""
    intents = [one.get_object() for one in root.get('/OutputIntents', ())]
    archive = [one for one in intents if one.get('/S') == '/GTS_PDFA1']
    if not archive or '/DestOutputProfile' not in archive[0]:
        return set(), ['6.2.3: there is no output intent with a profile']
    stream = archive[0]['/DestOutputProfile'].get_object()
    profile = stream.get_data()
    space = {b'RGB ': ('RGB', 3), b'CMYK': ('CMYK', 4), b'GRAY': ('Gray', 1)}
    name, channels = space.get(profile[16:20], ('', 0))
    is_device = profile[12:16] in (b'prtr', b'mntr') and profile[8] <= 4
    is_whole = int.from_bytes(profile[:4], 'big') == len(profile) and profile[36:40] == b'acsp'
    if not (is_device and is_whole and stream.get('/N') == channels):
        return set(), ['6.2.3: the profile is no whole ICC profile of a device up to version 4']
    return {name, 'Gray'}, []


def _stream(stream, reader, colours) -> list[str]:
    faults = []
    filters = stream.get('/Filter', ())
    if {'/LZWDecode', '/Crypt'} & set([filters] if isinstance(filters, str) else filters):
        faults.append('6.1.7.2: a stream is LZW or encrypted')
    if '/F' in stream or '/FFilter' in stream:
        faults.append('6.1.7.1: a stream is outside of the file')
    kind = stream.get('/Subtype')
    if kind == '/PS' or {'/OPI', '/Ref', '/PS', '/Alternates'} & set(stream):
        faults.append('6.2.9, 6.2.8: an XObject is PostScript, OPI, or stands for another')
    if kind == '/Image':
        if stream.get('/Interpolate', False):
            faults.append('6.2.8: an image is interpolated')
        faults += _space(stream.get('/ColorSpace'), colours)
    if kind == '/Form' and '/Resources' in stream:
        faults += _content(stream, stream['/Resources'], reader, colours)
    return faults


def _dictionary(found) -> list[str]:
    faults = []
    kind, subtype = found.get('/Type'), found.get('/Subtype')
    is_action = kind == '/Action' or found.get('/S') in ('/JavaScript', '/Launch', '/URI', '/GoTo')
    if is_action and ('/JS' in found or found['/S'] not in _ACTIONS):
        faults.append(f'6.5.1: the action {found["/S"]}')
    if kind == '/Font':
        faults += _font(found, subtype)
    if kind == '/Annot':
        flags = int(found.get('/F', 0))
        if subtype in _ANNOTATIONS_OUT:
            faults.append(f'6.3.1: the annotation {subtype}')
        if subtype != '/Popup' and (not flags & 4 or flags & 0b100011):
            faults.append(f'6.3.2: the annotation {subtype} does not print, or is hidden')
        if subtype not in ('/Popup', '/Link') and '/AP' not in found:
            faults.append(f'6.3.3: the annotation {subtype} has no look')
    if kind == '/ExtGState' or {'/BM', '/TR', '/HTP'} & set(found):
        blends = found.get('/BM', '/Normal')
        if not set([blends] if isinstance(blends, str) else blends) <= _BLENDS:
            faults.append(f'6.2.10: the blend mode {blends}')
        if '/TR' in found or found.get('/TR2', '/Default') != '/Default' or '/HTP' in found:
            faults.append('6.2.5: a graphics state has a transfer function')
        if found.get('/RI', '/Perceptual') not in _INTENTS:
            faults.append('6.2.6: an unknown rendering intent')
    return faults


def _font(font, subtype) -> list[str]:
    name = font.get('/BaseFont', '')
    if subtype == '/Type3':
        return []
    if subtype == '/Type0':
        descendant = font['/DescendantFonts'][0].get_object()
        encoding = font['/Encoding']
        is_embedded = not isinstance(encoding, str) or encoding in ('/Identity-H', '/Identity-V')
        faults = [] if is_embedded else [f'6.2.11.3: {name} has the CMap {encoding}']
        is_truetype = descendant['/Subtype'] == '/CIDFontType2'
        if is_truetype and '/CIDToGIDMap' not in descendant:
            faults.append(f'6.2.11.3: {name} has no CIDToGIDMap')
        return faults
    descriptor = font.get('/FontDescriptor')
    if descriptor is None or not any(one in descriptor.get_object() for one in _EMBEDDED):
        return [f'6.2.11.4: the font {name} is not embedded']
    return []


def _attachment(found, *, is_associated: bool) -> list[str]:
    name, faults = found.get('/UF', '?'), []
    if '/F' not in found or '/UF' not in found:
        faults.append(f'6.8: {name} has not both names')
    if found.get('/AFRelationship') not in _RELATIONS:
        faults.append(f'6.8: {name} has no AFRelationship')
    if not is_associated:
        faults.append(f'6.8: {name} is associated with nothing')
    stream = found['/EF']['/F'].get_object()
    if not re.fullmatch(r'/[\w.+-]+/[\w.+-]+', stream.get('/Subtype', '')):
        faults.append(f'6.8: {name} has no MIME type')
    if '/ModDate' not in stream.get('/Params', {}):
        faults.append(f'6.8: {name} has no date')
    return faults


def _space(space, colours) -> list[str]:
    """Return the fault of a colour space that depends on a device without an intent."""
    if space is None:
        return []
    space = space.get_object()
    names = [one for one in _inner(space) if isinstance(one, NameObject)]
    device = {one[7:] for one in names if one in ('/DeviceRGB', '/DeviceCMYK', '/DeviceGray')}
    return [f'6.2.4.3: Device{one} without its intent' for one in sorted(device - colours)]


def _content(stream, resources, reader, colours) -> list[str]:
    faults = []
    for space in resources.get('/ColorSpace', {}).values():
        faults += _space(space, colours)
    fonts = resources.get('/Font', {})
    depth = 0
    for operands, operator in ContentStream(stream, reader).operations:
        name = operator.decode()
        if name not in _OPERATORS:
            faults.append(f'6.2.2: the operator {name}')
        depth += {'q': 1, 'Q': -1}.get(name, 0)
        if depth > 28:
            faults.append('6.1.13: q is nested deeper than 28')
        if name in _COLOUR_OF_DEVICE and _COLOUR_OF_DEVICE[name] not in colours:
            faults.append(f'6.2.4.3: Device{_COLOUR_OF_DEVICE[name]} without its intent')
        if name == 'ri' and operands[0] not in _INTENTS:
            faults.append('6.2.6: an unknown rendering intent')
        if name == 'Tf' and operands[0] not in fonts:
            faults.append(f'6.2.2: the font {operands[0]} is not among the resources')
    return faults
