"""fhir_consent.py DIR [STATUS...]: every file in DIR is a Consent as HL7 FHIR R4 defines it, and their statuses are these, in any order.

Written from the published structure definition of Consent (FHIR 4.0.1, hl7.org/fhir/R4/consent.html): elements, types, cardinalities, the
codes that are used here. Neither public validator sees a Consent without a policy (ppc-1), without or with an empty patient (ppc-2 to 5), a
period that ends before it begins, or an unknown purpose: this program refuses these, too.  It is stricter than a validator: it takes no unknown element.
"""
import json
import os
import re
import sys

from fhir_audit_event import CODES, INSTANT, TERMS, Bad, need, parts, text

STATUSES = {"draft", "proposed", "active", "rejected", "inactive", "entered-in-error"}
KNOWN = {
    "scope": {TERMS + "consentscope": {"adr", "research", "patient-privacy", "treatment"}},
    "category": {"http://loinc.org": {"59284-0"}},
    "policyRule": {TERMS + "v3-ActCode": {"OPTIN", "OPTOUT"}},
    "role": {TERMS + "v3-ParticipationType": {"IRCP"}},
    "action": {TERMS + "consentaction": {"collect", "access", "use", "disclose", "correct"}},
    "purpose": CODES["purpose"],
}
UUID = r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def one_of(words):
    return lambda value, what: need(value in words, f"{what}: {value!r}")


def coding(of):
    def check(value, what):
        parts(value, what, {"system": (1, 1, text), "code": (1, 1, text), "display": (0, 1, text)})
        need(value["code"] in KNOWN[of].get(value["system"], ()), f"{what}: {value['code']} is not in its value set")
    return check


def concept(of):
    return lambda value, what: parts(value, what, {"coding": (1, None, coding(of)), "text": (0, 1, text)})


def identifier(value, what):
    parts(value, what, {"type": (0, 1, lambda v, w: parts(v, w, {"text": (1, 1, text)})), "system": (0, 1, text), "value": (1, 1, text)})
    if value.get("system") == "urn:ietf:rfc:3986":
        text(value["value"], what, UUID)


def reference(*types):
    def check(value, what):
        parts(value, what, {"type": (len(types) > 0, 1, one_of(types)), "identifier": (1, 1, identifier), "display": (1, 1, text)})
    return check


def when(value, what):
    text(value, what, INSTANT)  # a dateTime with hours needs seconds and a zone


def period(value, what):
    parts(value, what, {"start": (1, 1, when), "end": (0, 1, when)})
    need("end" not in value or value["end"] > value["start"], f"{what} ends before it begins")  # all in UTC here


def actor(value, what):
    parts(value, what, {"role": (1, 1, concept("role")), "reference": (1, 1, reference("Practitioner", "Organization"))})


def data(value, what):
    parts(value, what, {"meaning": (1, 1, one_of({"instance", "related", "dependents", "authoredby"})), "reference": (1, 1, reference())})


def provision(value, what):
    parts(value, what, {"type": (1, 1, one_of({"permit"})), "period": (1, 1, period), "actor": (1, None, actor), "action": (1, None, concept("action")),
                        "purpose": (1, None, coding("purpose")), "data": (1, None, data)})


def consent(value):
    parts(value, "Consent", {
        "resourceType": (1, 1, one_of({"Consent"})), "id": (1, 1, lambda v, w: text(v, w, r"[A-Za-z0-9\-.]{1,64}")), "identifier": (1, None, identifier),
        "status": (1, 1, one_of(STATUSES)), "scope": (1, 1, concept("scope")), "category": (1, None, concept("category")),
        "patient": (1, 1, reference("Patient")), "dateTime": (1, 1, when), "performer": (0, None, reference("Patient")),
        "policyRule": (1, 1, concept("policyRule")), "provision": (1, 1, provision)})
    need(all(performer == value["patient"] for performer in value.get("performer", [])), "somebody else than the patient agreed")


# SPOILED has forms that must not pass, each made of a valid one: so that this check can fail.
SPOILED = {
    "no policy": lambda c: c.pop("policyRule"),
    "no patient": lambda c: c.pop("patient"),
    "an empty patient": lambda c: c.update(patient={}),
    "revoked": lambda c: c.update(status="revoked"),
    "a period backwards": lambda c: c["provision"]["period"].update(end="2001-01-01T00:00:00Z"),
    "no zone": lambda c: c.update(dateTime=c["dateTime"].rstrip("Z")),
    "a purpose that is none": lambda c: c["provision"]["purpose"][0].update(code="FOO"),
    "a purpose as in R5": lambda c: c["provision"].update(purpose=[{"coding": c["provision"]["purpose"]}]),
    "an actor without a role": lambda c: c["provision"]["actor"][0].pop("role"),
    "a list of provisions": lambda c: c.update(provision=[c["provision"]]),
}


def main(directory, *wanted):
    statuses = []
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            whole = file.read()
        try:
            consent(json.loads(whole))
            need(name == json.loads(whole)["id"] + ".json", "its name is not its id")
        except (Bad, ValueError) as why:
            print(f"{name}: {why}")
            return 1
        for what, spoil in SPOILED.items():
            value = json.loads(whole)
            spoil(value)
            try:
                consent(value)
            except Bad:
                continue
            print(f"{name}: {what} would pass")
            return 1
        statuses.append(json.loads(whole)["status"])
    print(f"{len(statuses)} Consents: {' '.join(statuses)}")
    return 0 if statuses and sorted(statuses) == sorted(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
