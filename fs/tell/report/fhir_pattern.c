/* This file writes entries of the log by the patterns of IHE's Basic Audit Log Patterns. A
 * pattern names two computers and wants to know how the network called them: nobody recorded
 * that, and the resource says so in FHIR's own way. */
#include "fhir_private.h"

#include <string.h>

/* The definitions are published at https://profiles.ihe.net/ITI/BALP; FHIR's data-absent-reason
 * stands where a value is required and is not known. */
#define BALP "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
#define ABSENT "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
#define WRITER "the writer's own computer"

#define REST                                                                                       \
	{                                                                                          \
		EMR_FHIR_TERMS "audit-event-type", "rest", "RESTful Operation"                     \
	}
#define INTERACTION(code)                                                                          \
	{                                                                                          \
		"http://hl7.org/fhir/restful-interaction", code, code                              \
	}
#define PARTICIPATION EMR_FHIR_TERMS "v3-ParticipationType"
#define AUTHOR                                                                                     \
	{                                                                                          \
		PARTICIPATION, "AUT", "author (originator)"                                        \
	}
#define RECIPIENT                                                                                  \
	{                                                                                          \
		PARTICIPATION, "IRCP", "information recipient"                                     \
	}
#define DESTINATION                                                                                \
	{                                                                                          \
		EMR_FHIR_DCM, "110152", "Destination Role ID"                                      \
	}
#define SOURCE                                                                                     \
	{                                                                                          \
		EMR_FHIR_DCM, "110153", "Source Role ID"                                           \
	}

static const emr_fhir_pattern created = {
	BALP "PatientCreate", REST, INTERACTION("create"), AUTHOR, SOURCE, DESTINATION, WRITER};
static const emr_fhir_pattern updated = {
	BALP "PatientUpdate", REST, INTERACTION("update"), AUTHOR, SOURCE, DESTINATION, WRITER};
static const emr_fhir_pattern removed = {BALP "PatientDelete", REST, INTERACTION("delete"), AUTHOR,
	{EMR_FHIR_DCM, "110150", "Application"},
	{EMR_FHIR_TERMS "provenance-participant-type", "custodian", "Custodian"}, WRITER};
static const emr_fhir_pattern read_one = {BALP "PatientRead", REST, INTERACTION("read"), RECIPIENT,
	DESTINATION, SOURCE, EMR_FHIR_READER};
static const emr_fhir_pattern disclosed = {BALP "PrivacyDisclosure.Source",
	{EMR_FHIR_DCM, "110106", "Export"},
	{EMR_FHIR_TERMS "iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event"},
	RECIPIENT, DESTINATION, SOURCE, EMR_FHIR_READER};

const emr_fhir_pattern *emr_fhir_pattern_of(const char *action)
{
	static const struct {
		const char *action;
		const emr_fhir_pattern *pattern;
	} all[] = {
		{"left", &created},
		{"made", &created},
		{"saved", &updated},
		{"renamed", &updated},
		{"changed", &updated},
		{"restored", &updated},
		{"deleted", &removed},
		{"erased", &removed},
		{"opened", &read_one},
		{"released", &disclosed},
		{"listed", &disclosed},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i].action, action) == 0)
			return all[i].pattern;
	return NULL;
}

json_t *emr_fhir_code_json(const emr_fhir_code *code)
{
	return emr_fhir_coding(code->system, code->code, code->display);
}

json_t *emr_fhir_pattern_meta(const emr_fhir_pattern *pattern)
{
	return json_pack("{s:[s]}", "profile", pattern->profile);
}

static json_t *computer(const emr_fhir_code *role, const char *called)
{
	return json_pack("{s:{s:[o]}, s:{s:s}, s:b, s:{s:[{s:s, s:s}]}}", "type", "coding",
		emr_fhir_code_json(role), "who", "display", called, "requestor", 0, "network",
		"extension", "url", ABSENT, "valueCode", "unknown");
}

int emr_fhir_pattern_agents(const emr_fhir_pattern *pattern, json_t *agents)
{
	return json_array_append_new(agents, computer(&pattern->client, pattern->client_called)) |
	       json_array_append_new(agents, computer(&pattern->server, EMR_FHIR_LEDGER));
}
