#!/bin/bash
# report.sh: .emrfs/report.html in a browser, from the mount: at the width of a telephone and of a desk, without a request, a
# complaint or anything that sticks out.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin report
cd "$EMR_WORK" || exit 2
BROWSER=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || emr_skip "no chromium"

# browse ARGUMENTS...: a browser that knows nobody and is ended after a minute.
browse() {
	HOME=$EMR_WORK timeout -k 5 90 "$BROWSER" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
		--no-first-run --disable-background-networking --disable-component-update --disable-sync \
		--host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir="$EMR_WORK/browser" --enable-logging=stderr "$@"
}

# Everything is on the ledger, and what follows is later, so that there is something to draw.
settled() {
	run 0 status --wait=2min
	SECOND=$(date +%s)
	while [ "$(date +%s)" = "$SECOND" ]; do sleep 0.05; done
}

EMR_PERSON='Ana <i>Silva</i> & "co"'
emr_init
emr_mount
say "a folder with a past, and names that want to be more than names"
must mkdir -p "$MNT/Imaging/CD" "$MNT/Letters"
must cp "$SAMPLES"/MR_small.dcm "$SAMPLES"/CT_small.dcm "$SAMPLES"/waveform_ecg.dcm "$MNT/Imaging/CD/"
EVIL='<img src=x onerror=alert(1)><script>document.title="evil"</script>"&amp;'
echo 1 >"$MNT/Letters/${EVIL//\//}"
echo 2 >"$MNT/Letters/"$'turned \xe2\x80\xaegpj.exe'
echo 3 >"$MNT/Letters/"$'not utf-8 \xff\xfe.txt'
printf '{"resourceType":"Observation","code":{"text":"<b id=evil>fat</b>"},"effectiveDateTime":"2024-05-02"}' >"$MNT/Letters/weight.json"
head -c 200 /dev/zero | tr '\0' 'W' | sed 's/$/.pdf/' | { read -r LONG; echo 4 >"$MNT/Letters/$LONG"; }
settled
echo 22 >"$MNT/Letters/weight2.json"
must rm "$MNT/Imaging/CD/waveform_ecg.dcm"
settled
echo 23 >"$MNT/Letters/weight2.json"
run 0 status --wait=2min

PAGE=$MNT/.emrfs/report.html
must cp "$PAGE" copied.html
expect "size" "$(stat -c %s "$PAGE")" "$(stat -c %s copied.html)"
grep -q "default-src 'none'" copied.html || emr_fail "no policy"
cat >parse.py <<'END'
import html.parser, sys
TAGS = set("html head meta title style body main header h1 h2 h3 p section div span b ul li table tr th td code a figure figcaption svg "
           "line text path rect details summary br bdi".split())
ATTRIBUTES = set("lang charset http-equiv content name class aria-hidden aria-label role scope colspan dir href open viewbox "
                 "preserveaspectratio x x1 x2 y y1 y2 width height text-anchor d".split())
class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, tag
        for name, value in attributes:
            assert name in ATTRIBUTES, (tag, name)
            assert name != "href" or value.startswith("../") or value in ("index.csv", "log"), value
text = open(sys.argv[1], encoding="utf-8").read()
style = text[text.index("<style>"):text.index("</style>")]
assert "url(" not in style and "@import" not in style
Page().feed(text)
END
must python3 parse.py copied.html

say "at both widths, as the browser lays it out"
cat >frame.html <<END
<!DOCTYPE html><meta charset="utf-8"><title>frames</title><body>
<script>
const found = [];
async function look(width) {
	const frame = document.createElement('iframe');
	frame.style = 'border:0;height:900px;width:' + width + 'px';
	const loaded = new Promise((done) => { frame.onload = done; });
	frame.src = 'file://$PAGE';
	document.body.append(frame);
	await loaded;
	const page = frame.contentDocument, root = page.documentElement;
	page.querySelectorAll('details').forEach((d) => { d.open = true; });
	const out = [...page.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && e.closest('svg') === null);
	found.push({ width, scroll: root.scrollWidth, out: out.map((e) => e.tagName + ' ' + e.textContent.slice(0, 40)),
		requests: frame.contentWindow.performance.getEntriesByType('resource').length,
		sections: page.querySelectorAll('section').length, charts: page.querySelectorAll('svg.chart path.line').length,
		made: page.querySelectorAll('i, b[id], img, script, iframe, object').length,
		title: page.title, heading: page.querySelector('h1').textContent, text: page.body.innerText,
		small: Math.min(...[...page.querySelectorAll('p, li, td, th')].map((e) => parseFloat(getComputedStyle(e).fontSize))) });
}
look(360).then(() => look(1100)).then(() => {
	document.body.textContent = 'FOUND' + btoa(unescape(encodeURIComponent(JSON.stringify(found)))) + 'END';
});
</script>
END
# A browser that did not start, or not in time, says nothing of the page.
laid_out() {
	rm -rf browser
	browse --allow-file-access-from-files --virtual-time-budget=20000 --dump-dom "file://$EMR_WORK/frame.html" >dom 2>browser.err &&
		sed -n 's/.*FOUND\([A-Za-z0-9+/=]*\)END.*/\1/p' dom | base64 -d >found.json && [ -s found.json ]
}
laid_out || laid_out || laid_out || emr_fail "the page was not laid out: $(tail -3 browser.err)"
cat >check.py <<'END'
import json, sys
frames = json.load(open(sys.argv[1]))
assert [f["width"] for f in frames] == [360, 1100], frames
for f in frames:
    assert f["scroll"] <= f["width"] and not f["out"], (f["width"], f["scroll"], f["out"])
    assert f["requests"] == 0 and f["made"] == 0, f
    assert f["sections"] >= 6 and f["charts"] == 2, f
    assert f["small"] >= 14, f["small"]
    assert f["title"] == f["heading"] == 'Health of Ana <i>Silva</i> & "co"', f["title"]
    for text in ("onerror=alert(1)", "[U+202E]gpj.exe", "not utf-8 \ufffd\ufffd.txt", "<b id=evil>fat</b>", "MR", "JFK IMAGING CENTER",
                 "saved versions", "2 versions", "deleted", "signed and on the ledger", "No second copy",
                 "recovery words"):
        assert text in f["text"], text
END
must python3 check.py found.json
grep -E 'CONSOLE|Refused to|Content Security' browser.err && emr_fail "the browser complained"

say "pictures"
for width in 500 1100; do
	picture() {
		rm -rf browser "$width.png"
		browse --window-size=$width,1600 --screenshot="$EMR_WORK/$width.png" "file://$PAGE" >/dev/null 2>browser.err && [ -s "$width.png" ]
	}
	picture || picture || picture || emr_fail "no picture: $(tail -3 browser.err)"
	python3 - "$width.png" "$width" <<'END' || emr_fail "the picture of $width pixels is empty"
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
assert width == int(sys.argv[2]) and depth == 8, (width, depth)
at, packed = 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
    at += 12 + size
raw = zlib.decompress(packed)
step = width * (3 if colour == 2 else 4) + 1
busy = sum(len(set(raw[y * step + 1:(y + 1) * step])) > 3 for y in range(height))
assert busy > height // 3, (busy, height)
END
done
emr_unmount
say "done"
