"""fhir_consent_made.py PATIENT ID FOLDER [PYTHON]: a FHIR R4 Consent as a hospital's consent system would write it, for Dr Nuno Reis; PYTHON changes it, as c and p
(its provision)."""
import datetime
import json
import sys

TERMS = "http://terminology.hl7.org/CodeSystem/"


def concept(system, code):
    return {"coding": [{"system": system, "code": code}]}


today = datetime.datetime.now(datetime.timezone.utc)
p = {"type": "permit", "period": {"start": today.strftime("%Y-%m-%dT%H:%M:%S+00:00"), "end": (today + datetime.timedelta(days=20)).strftime("%Y-%m-%d")},
     "actor": [{"role": concept(TERMS + "v3-ParticipationType", "IRCP"),
                "reference": {"type": "Practitioner", "identifier": {"value": "nuno@saolucas"}, "display": "Dr Nuno Reis"}}],
     "action": [concept(TERMS + "consentaction", "access")],
     "purpose": [{"system": TERMS + "v3-ActReason", "code": "TREAT"}],
     "data": [{"meaning": "related", "reference": {"display": sys.argv[3]}}]}
c = {"resourceType": "Consent", "id": sys.argv[2], "status": "active", "scope": concept(TERMS + "consentscope", "patient-privacy"),
     "category": [concept("http://loinc.org", "59284-0")], "patient": {"type": "Patient", "identifier": {"value": sys.argv[1]}, "display": "Ana Silva"},
     "dateTime": today.strftime("%Y-%m-%d"), "policy": [{"uri": "https://saolucas.example/consent"}], "provision": p}
if len(sys.argv) > 4:
    exec(sys.argv[4])  # pylint: disable=exec-used
print(json.dumps(c, indent=2))
