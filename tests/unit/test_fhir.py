#!/usr/bin/env python3
"""test_fhir.py: what packaging/emrfs-fhir says of an entry of the log and of a share, of which shares there is no Consent, and what it refuses."""
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests/support"
ID = "00112233445566778899aabbccddeeff"
# As emr_share_json with emr_share_json_ids, and emr_deeds_next, make them.
SHARE = {"id": "g-abcd", "path": "Imaging", "who": "lima", "name": "Paula Lima", "organisation": "", "rights": "write", "purpose": "treatment, research",
         "until": "2026-11-19T11:06:40Z", "state": "confirmed", "since_unix": 1795000000, "until_unix": 1795086400, "grant_id": ID, "folder_id": ID,
         "grantee_id": ID * 2, "owner_id": ID * 2, "kind": "person"}
ENTRY = {"at": "2026-11-20T10:00:00Z", "who": "lima@org0", "name": "Paula Lima", "organisation": "org0", "team": "radiology@org0", "purpose": "treatment",
         "action": "released", "path": "Imaging/MRI.pdf", "version": 1, "bytes": None, "whole": None, "software": False, "proven": True,
         "released_by": ["you"], "tx": "7:00"}
LEFT = ENTRY | {"who": "you", "name": "Paula Lima", "organisation": None, "team": "", "purpose": "", "action": "left", "path": "CT \u202egnp.exe", "bytes": 9,
                "released_by": [], "rights": "", "until": "", "goes_on": False,
                "with": {"who": "ana", "name": "Ana Silva", "organisation": "", "says": "", "kind": "person"}}


def run(listed, directory="out"):
    return subprocess.run([sys.executable, ROOT / "packaging/emrfs-fhir", directory], input=listed, capture_output=True, text=True, check=False)


def made(name, one, owner):
    """The resource of the only thing that is listed; None: there is none."""
    with tempfile.TemporaryDirectory() as directory:
        done = run(json.dumps({"ok": True, "owner": owner, name: [one]}), directory + "/new")
        assert done.returncode == 0, done
        assert stat.S_IMODE(os.stat(directory + "/new").st_mode) == 0o700
        files = list(pathlib.Path(directory, "new").iterdir())
        if not files:
            return None
        assert stat.S_IMODE(files[0].stat().st_mode) == 0o600 and len(files) == 1
        resource = json.loads(files[0].read_text())
        checker = "fhir_consent.py" if name == "grants" else "fhir_audit_event.py"
        status = [resource["status"]] if name == "grants" else []
        subprocess.run([sys.executable, SUPPORT / checker, directory + "/new", *status], check=True, stdout=subprocess.DEVNULL)
        return resource


def consent(of=SHARE, **changed):
    return made("grants", of | changed, "Ana Silva")


def codes(concepts):
    return [one["code"] if "code" in one else one["coding"][0]["code"] for one in concepts]


def a_share_says_who_and_until_when_and_for_what():
    one = consent()
    provision = one["provision"]
    assert one["status"] == "active" and one["patient"]["display"] == "Ana Silva" and codes(one["policyRule"]["coding"]) == ["OPTIN"], one
    assert one["identifier"][0]["value"] == "urn:uuid:00112233-4455-6677-8899-aabbccddeeff" and one["id"] == "emrfs-g-" + ID, one
    assert provision["period"] == {"start": "2026-11-18T11:06:40Z", "end": "2026-11-19T11:06:40Z"} and one["dateTime"] == provision["period"]["start"], one
    assert provision["actor"][0]["reference"]["type"] == "Practitioner" and provision["actor"][0]["reference"]["display"] == "Paula Lima", one
    assert codes(provision["purpose"]) == ["TREAT", "HRESCH"] and codes(provision["action"]) == ["access", "correct"], one


def for_ever_has_no_end_and_a_team_is_no_person():
    one = consent(rights="read", kind="team", until="9999-12-31T23:59:59Z", until_unix=253402300799)["provision"]
    assert "end" not in one["period"] and one["actor"][0]["reference"]["type"] == "Organization" and codes(one["action"]) == ["access"], one


def what_is_over_is_inactive_and_what_is_ending_is_not_yet():
    assert consent(state="over")["status"] == "inactive" and consent(state="ending")["status"] == "active"


def there_is_none_of_a_deposit_nor_of_what_the_ledger_does_not_have():
    assert consent(rights="deposit") is None and consent(state="queued") is None and consent(state="failed no key", grant_id="") is None
    assert consent(grant_id="../../../../../../../../../etc/x") is None  # it would be a part of the file's name


def a_team_stands_beside_the_person():
    one = made("entries", ENTRY, "Ana Silva")
    asker, team = one["agent"][:2]
    assert len(one["agent"]) == 6 and asker["name"] == "Paula Lima" and asker["requestor"] and codes(one["purposeOfEvent"]) == ["TREAT"], one
    assert asker["role"] == [{"text": "on behalf of radiology@org0"}] and codes(asker["type"]["coding"]) == ["IRCP", "humanuser"], one
    assert team["name"] == "radiology@org0" and team["altId"] == "team" and not team["requestor"], one
    assert one["agent"][3]["name"] == "Ana Silva" and one["entity"][1]["name"] == "Ana Silva", one  # who gave the key; whose it is


def what_was_left_is_about_a_record_of_its_patient():
    one = made("entries", LEFT, "Paula Lima")
    assert one["type"]["code"] == "rest" and one["action"] == "C" and one["meta"]["profile"][0].endswith("IHE.BasicAudit.PatientCreate"), one
    assert [entity["name"] for entity in one["entity"]] == [LEFT["path"], "Ana Silva"], one


def a_deed_on_rights_is_a_security_alert():
    one = made("entries", LEFT | {"action": "shared", "rights": "read", "until": "2026-12-01T00:00:00Z", "purpose": "treatment"}, "Paula Lima")
    assert one["type"]["code"] == "110113" and one["subtype"][0]["code"] == "110136" and one["action"] == "E" and "meta" not in one, one
    assert len(one["entity"]) == 3 and one["entity"][1]["role"]["code"] == "11" and "purposeOfEvent" not in one and "lifecycle" not in one["entity"][0], one
    assert {"type": "goes_on", "valueString": "no"} in one["entity"][0]["detail"], one


def a_reader_says_so_himself_and_an_auditor_knows_no_name():
    one = made("entries", ENTRY | {"action": "refused", "proven": False, "software": True, "whole": True, "folder": "0123456789"}, "Rosa")
    assert one["outcome"] == "4" and one["type"]["code"] == "110110" and one["source"]["observer"]["display"] == "the reader's own computer", one
    assert one["entity"][1]["name"] == "the owner of folder 01234567" and codes(one["agent"][0]["type"]["coding"]) == ["110150"], one


def anything_else_is_refused_with_a_reason():
    for listed, reason in (("", "Expecting value"), ('{"ok": false, "message": "The folder is closed."}', "The folder is closed."), ('{"ok": true}', "no 'grants'"),
                           ('{"ok": true, "owner": "", "grants": [{}]}', "no 'grant_id'"), ("[]", "emrfs-fhir: ")):
        done = run(listed)
        assert done.returncode == 1 and reason in done.stderr and "Traceback" not in done.stderr, done
    assert subprocess.run([sys.executable, ROOT / "packaging/emrfs-fhir"], capture_output=True, check=False).returncode == 2


for test in [value for value in list(globals().values()) if callable(value) and getattr(value, "__code__", None) and value.__code__.co_argcount == 0]:
    test()
    print("-", test.__name__.replace("_", " "))
