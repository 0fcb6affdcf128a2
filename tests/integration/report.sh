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

EMR_PERSON='Ana </script><i>Silva</i> <!-- & "co"'
emr_init
emr_mount
say "a folder with a past, and names that want to be more than names"
must mkdir -p "$MNT/Imaging/CD" "$MNT/Letters/ended<"
must cp "$SAMPLES"/MR_small.dcm "$SAMPLES"/CT_small.dcm "$SAMPLES"/waveform_ecg.dcm "$MNT/Imaging/CD/"
EVIL='<img src=x onerror=alert(1)><script>document.title="evil"</script>"&amp;'
echo 1 >"$MNT/Letters/${EVIL//\//}"
echo 1 >"$MNT/Letters/ended</script><!--<script>alert(2)"
echo 2 >"$MNT/Letters/"$'turned \xe2\x80\xaegpj.exe'
echo 2 >"$MNT/Letters/"$'two\xe2\x80\xa8lines\xe2\x80\xa9 \xc2\xad\xe3\x85\xa4\xf3\xa0\x81\x81z \x1b[31m'
echo 3 >"$MNT/Letters/"$'not utf-8 \xff\xfe.txt'
echo 3 >"$MNT/Letters/javascript:alert(3)"
must cp "$SAMPLES"/CT_small.dcm weight.dcm
must dcmodify -nb -m "StudyDescription=<b id=evil>fat</b>" -m StudyDate=20240502 weight.dcm
must cp weight.dcm "$MNT/Letters/"
head -c 200 /dev/zero | tr '\0' 'W' | sed 's/$/.pdf/' | { read -r LONG; echo 4 >"$MNT/Imaging/$LONG"; }
must mkdir "$MNT/Series"
for ((i = 0; i < 12; i++)); do echo "$i" >"$MNT/Series/slice $i"; done
settled
echo 22 >"$MNT/Letters/weight2.json"
must rm "$MNT/Imaging/CD/waveform_ecg.dcm"
settled
echo 23 >"$MNT/Letters/weight2.json"
run 0 status --wait=2min

PAGE=$MNT/.emrfs/report.html
must cp "$PAGE" copied.html
expect "size" "$(stat -c %s "$PAGE")" "$(stat -c %s copied.html)"
must python3 "$SUPPORT/../integration/page.py" copied.html >page.data
json 0 status
python3 - page.data out/said <<'END' || emr_fail "sums: $(cat page.data out/said)"
import json, sys
data = {}
for line in open(sys.argv[1]):
    member, value = line.split(" ", 1)
    data.setdefault(member, []).append(json.loads(value))
status = json.load(open(sys.argv[2]))
for member in ("kinds", "folders", "years"):
    assert [sum(s[i] for s in data[member][0].values()) for i in (0, 1)] == [status["files"], status["bytes"]], (member, data[member])
assert data["files"] + data["bytes"] == data["growth"][-1][1:] == [status["files"], status["bytes"]] and status["files"] > 20, data["growth"]
assert sum(r["files"] for r in data["records"]) == status["files"] and data["has_older"] == [False]
assert [r["files"] for r in data["records"] if r["path"] == "Series"] == [12], data["records"]
assert all(value == status[name] for name, value in data["status"][0].items()), data["status"]
assert not [v for v in (status["state_dir"], status["network"], status["folder"]) if v in open(sys.argv[1]).read()], "more than a page tells"
END

say "at both widths, as the browser lays it out"
cat >frame.html <<END
<!DOCTYPE html><meta charset="utf-8"><title>frames</title><body>
<script>
const found = [];
async function look(width) {
	const frame = document.createElement('iframe');
	frame.style = 'border:0;height:900px;width:' + width + 'px';
	frame.src = '';
	document.body.append(frame);
	await new Promise((done) => { frame.onload = done; });
	const page = frame.contentDocument, root = page.documentElement;
	page.querySelectorAll('details').forEach((d) => { d.open = true; });
	const out = [...page.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && e.closest('svg') === null);
	try { page.querySelector('h1').insertAdjacentHTML('beforeend', '<i>markup</i>'); } catch {}
	found.push({ width, scroll: root.scrollWidth, out: out.map((e) => e.tagName + ' ' + e.textContent.slice(0, 40)),
		requests: frame.contentWindow.performance.getEntriesByType('resource').length,
		sections: page.querySelectorAll('section').length, charts: page.querySelectorAll('svg.chart[aria-label] path.line').length,
		made: page.querySelectorAll('i, b[id], img, iframe, object, script[src]').length, scripts: page.scripts.length,
		links: [...page.querySelectorAll('[href]')].map((a) => a.getAttribute('href')), heads: page.querySelectorAll('thead th[scope=col]').length,
		tables: [...page.querySelectorAll('table')].filter((t) => t.querySelectorAll('thead th[scope=col]').length !== t.rows[1].cells.length).length,
		mute: page.querySelectorAll('svg:not([aria-label]):not([aria-hidden])').length, lang: root.lang,
		names: [...page.querySelectorAll('bdi')].filter((b) => b.dir !== 'ltr').length,
		title: page.title, heading: page.querySelector('h1').textContent, text: page.body.innerText.replaceAll('\xa0', ' '),
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
	sed -i "s|frame.src = .*|frame.src = 'file://$1';|" frame.html
	browse --allow-file-access-from-files --virtual-time-budget=20000 --dump-dom "file://$EMR_WORK/frame.html" >dom 2>browser.err &&
		sed -n 's/.*FOUND\([A-Za-z0-9+/=]*\)END.*/\1/p' dom | base64 -d >found.json && [ -s found.json ]
}
cat >strict.py <<'END'
import json, sys
for f in json.load(open(sys.argv[1])):
    assert f["scroll"] <= f["width"] and not f["out"], (f["width"], f["scroll"], f["out"])
    assert f["scripts"] == 2 and not any(f[bad] for bad in ("requests", "made", "tables", "mute", "names")), f
END
cat >check.py <<'END'
import json, re, sys
SHOWN = ("onerror=alert(1)", "ended</script><!--<script>alert(2)", "[U+202E]gpj.exe", "two[U+2028]lines[U+2029] [U+00AD][U+3164][U+E0041]z \ufffd[31m",
         "not utf-8 ??.txt", "javascript:alert(3)", "<b id=evil>fat</b>", "MR", "JFK IMAGING CENTER")
ENGLISH = ("Saved versions: ", "deleted", "signed and on the ledger", "No second copy", "ecovery words", "Nobody but you.", "2 May 2024", "Files: 12 in Series",
           "By kind", "DICOM images and reports")
PORTUGUESE = ("Está seguro?", "eliminou", "assinados e no livro-razão", "Ninguém além de si.", "O que está aqui", "Imagens e relatórios DICOM", "02/05/2024")
for f in json.load(open(sys.argv[1])):
    assert f["sections"] >= 6 and f["charts"] == 2 and f["heads"] > 10 and f["small"] >= 14 and f["lang"] == sys.argv[2], f
    assert all(re.fullmatch(r"\.\./[A-Za-z0-9%._~/-]*|index\.csv|log", link) for link in f["links"]), f["links"]
    assert "../Letters/javascript%3Aalert%283%29" in f["links"] and "../Letters/not%20utf-8%20%FF%FE.txt" in f["links"], f["links"]
    assert f["title"] == f["heading"] == ("Health of " if sys.argv[2] == "en" else "Saúde de ") + 'Ana </script><i>Silva</i> <!-- & "co"', f["title"]
    for text in SHOWN + (ENGLISH if sys.argv[2] == "en" else PORTUGUESE):
        assert text in f["text"], (text, f["text"])
    words = re.findall(r"\b(?:the|and|with|files|records|yet|until|saved|shared|what|you|undefined|NaN|null)\b", f["text"].lower())
    assert sys.argv[2] == "en" or not words, (words, f["text"])
END
lay_out() {
	laid_out "$1" || laid_out "$1" || laid_out "$1" || emr_fail "the page was not laid out: $(tail -3 browser.err)"
	must python3 strict.py found.json
}
looks_right() {
	lay_out "$PAGE"
	must python3 check.py found.json "$1"
	grep -v "'TrustedHTML'.*frame.html" browser.err | grep -E 'CONSOLE|Refused to|Content Security' && emr_fail "the browser complained"
}
looks_right en

say "whatever others wrote"
cat >hostile.py <<'END'
import json, re, sys
page = open(sys.argv[1]).read()
data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
person = {"who": "dataset:hips@x", "name": "lima", "organisation": "São Lucas", "says": "Paula", "kind": "team", "team": "radiology"}
entry = {**person, "at_unix": data["now"] - 90, "action": "opened", "type": "file", "path": "a.pdf", "from": None, "version": 3, "whole": True, "purpose": "x"}
row = {**person, "path": "Imaging", "rights": "read", "purpose": "treatment, research", "since_unix": data["now"] - 86400, "until_unix": data["now"] + 7 * 86400,
       "state": "confirmed", "opening": "Opens for lima now.", "is_plain": True}
data |= {"shares": [row, {**row, "kind": "organisation", "until_unix": 253402300799}], "more_shares": 3, "lately": [entry], "more_notes": 2,
         "readers": [{**entry, "opened": 4, "keys": 2, "has_names": False, "is_refused": False, "days": "0" * 88 + "11"},
                     {**entry, "opened": 0, "keys": 0, "has_names": True, "is_refused": False, "days": "0" * 90}],
         "datasets": [{"called": "hips@x", "readers": [{**person, "code": "AB", "since": "2026-11-01"}], "former": [{**person, "code": "CD", "since": "2026-11-02"}]}],
         "notes": [{"path": "old.pdf", "note": "superseded"}, {"path": "gap.pdf", "note": "amendment gap"}], "has_older": True, "status": {**data["status"], "read_only": True},
         "log": [{**entry, "action": a, "path": p, "with": person, "until_unix": data["now"] + 9, "goes_on": a == "ended", "into": "Inbox" if a == "left" else ""}
                 for a in ("shared", "ended", "expired", "approved", "denied", "left") for p in ("b.pdf", None)] + data["log"]}
fixed = {"language", "words", "now", "who", "kind", "href", "date", "action", "type", "rights", "purpose", "state", "note", "days", "called"}
EVIL = '</script><img src=x onerror=alert(1)><!--'
def spoil(value, key=""):
    if isinstance(value, dict):
        return {k if key != "folders" else k + EVIL: v if k in fixed else spoil(v, k) for k, v in value.items()}
    return [spoil(v) for v in value] if isinstance(value, list) else value + EVIL if isinstance(value, str) else value
print(page.replace(re.search(r'id="data">(.*?)</script>', page, re.S)[1], json.dumps(spoil(data)).replace("<", "\\u003c")))
END
must python3 hostile.py copied.html >hostile.html
lay_out "$EMR_WORK/hostile.html"
python3 - found.json <<'END' || emr_fail "hostile.html"
import json, sys
for f in json.load(open(sys.argv[1])):
    text, evil = f["text"], "</script><img src=x onerror=alert(1)><!--"
    for said in (f"the team lima{evil}, São Lucas{evil} (gives the name Paula{evil}), for radiology{evil}", f"Imaging{evil}", "(in 7 days)", "for ever", "treatment, research",
                 f"Opens for lima now.{evil}", f"(AB{evil}) reads it, since 2026-11-01{evil}", f"(CD{evil}) read it, since", "saw the names and opened nothing", "Further ones: 3",
                 f"a.pdf{evil} v3, whole", f"old.pdf{evil} is superseded", f"gap.pdf{evil} amends", "; another goes on", f"\u201cb.pdf{evil}\u201d", f", Inbox{evil}",
                 "a file (its name cannot be read)", "a record that was erased", "These are the newest.", "The folder is open for reading only.", "More such files: 2", f"Letters{evil}"):
        assert said in text, (said, text)
END
browse --window-size=1100,1600 --screenshot="$EMR_WORK/1100.png" "file://$EMR_WORK/hostile.html" 2>browser.err && [ "$(stat -c %s 1100.png)" -gt 30000 ] || emr_fail "no picture"

say "in Portuguese"
emr_unmount
emr_portuguese
export LC_ALL=pt_PT.UTF-8
emr_mount
looks_right pt
emr_unmount
say "done"
