/* This file reads FHIR resources: when, what and who. Which elements say that differs from
 * resource to resource; a table says it. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/fhir.h"

#include "parts.h"

static const char *const dates[] = {"effectiveDateTime", "effectivePeriod.start",
	"effectiveInstant", "performedDateTime", "performedPeriod.start", "occurrenceDateTime",
	"started", "period.start", "onsetDateTime", "authoredOn", "date", "issued", "recordedDate",
	"created", "dateTime", "sent"};
static const char *const titles[] = {"code.text", "code.coding.display", "vaccineCode.text",
	"vaccineCode.coding.display", "medicationCodeableConcept.text",
	"medicationCodeableConcept.coding.display", "title", "type.text", "type.coding.display",
	"description", "procedureCode.text", "procedureCode.coding.display"};
static const char *const organisations[] = {"custodian.display", "managingOrganization.display",
	"serviceProvider.display", "organization.display", "performer.display",
	"performer.actor.display", "author.display"};
static const char *const modalities[] = {
	"modality.code", "modality.coding.code", "series.modality.code"};

/* Where FHIR says when, what and who: paths from the resource, elements joined by '.', best first;
 * and where that goes in emr_headers. */
enum { FHIR_DATE, FHIR_TITLE, FHIR_ORGANISATION, FHIR_MODALITY, FHIR_FIELDS };

static const struct {
	const char *const *paths;
	size_t n, at;
} fhir_fields[FHIR_FIELDS] = {
	{dates, sizeof dates / sizeof *dates, offsetof(emr_headers, study_date)},
	{titles, sizeof titles / sizeof *titles, offsetof(emr_headers, description)},
	{organisations, sizeof organisations / sizeof *organisations,
		offsetof(emr_headers, organisation)},
	{modalities, sizeof modalities / sizeof *modalities, offsetof(emr_headers, modality)}};

/* The text of FIELD found in OUT. */
static char *fhir_slot(emr_headers *out, int field)
{
	return (char *)out + fhir_fields[field].at;
}

static void fhir_set(emr_headers *out, int field, emr_bytes text)
{
	text_sink sink;

	if (field == FHIR_DATE) {
		date_take(text, out->study_date);
		return;
	}
	sink = text_begin(fhir_slot(out, field));
	if (!text_is_utf8(text) || !text_put_utf8(&sink, text))
		fhir_slot(out, field)[0] = '\0';
}

/* "Observation: Body weight", once all is read. */
static void fhir_name(emr_headers *out, emr_bytes resource)
{
	char title[EMR_HEADER_TEXT_MAX + 1];
	text_sink sink;

	memcpy(title, out->description, sizeof title);
	sink = text_begin(out->description);
	if (!text_is_utf8(resource) || !text_put_utf8(&sink, resource))
		return;
	if (title[0] != '\0' && (!text_put_utf8(&sink, emr_bytes_of(": ", 2)) ||
					!text_put_utf8(&sink, emr_bytes_of(title, strlen(title)))))
		return;
}

/* ---- JSON ---- */

/* The value to which PATH leads, through the first element of arrays. */
static const char *text_at(const json_t *value, const char *path)
{
	char name[40];

	while (value != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		if (json_is_array(value)) {
			value = json_array_get(value, 0);
			continue;
		}
		if (len >= sizeof name)
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		value = json_object_get(value, name);
		path += len + (path[len] == '.');
	}
	while (json_is_array(value))
		value = json_array_get(value, 0);
	return json_string_value(value);
}

static void read_resource(const json_t *resource, emr_headers *out)
{
	for (int field = 0; field < FHIR_FIELDS; field++) {
		for (size_t i = 0; i < fhir_fields[field].n && fhir_slot(out, field)[0] == '\0';
			i++) {
			const char *text = text_at(resource, fhir_fields[field].paths[i]);

			if (text != NULL)
				fhir_set(out, field, emr_bytes_of(text, strlen(text)));
		}
	}
}

/* Elements that can turn what a resource says into its opposite (modifier elements), and the words
 * in them by which it is so as it stands there. */
static const char *const states[] = {"intent", "clinicalStatus", "lifecycleStatus", "docStatus",
	"actuality", "status", "verificationStatus", "doNotPerform", "notDone", "notGiven",
	"notPerformed", "wasNotGiven", "wasNotTaken", "modifierExtension"};
static const char ordinary[] = "|active|actual|amended|appended|available|completed|confirmed|"
			       "corrected|current|final|finished|order||";

/* "not-done: Measles"; of an error, and of what may mean anything, nothing is said but that. */
static void say_state(emr_headers *out, const char *word)
{
	char sought[EMR_HEADER_TEXT_MAX];

	snprintf(sought, sizeof sought, "|%s|", word != NULL ? word : "");
	if (strstr(ordinary, sought) != NULL)
		return;
	if (strcmp(word, "entered-in-error") == 0 || strcmp(word, "modifierExtension") == 0)
		out->description[0] = '\0';
	fhir_name(out, emr_bytes_of(word, strlen(word)));
}

/* Whatever is not as it stands there is listed by the resource's own word for it. */
static void say_states(const json_t *resource, emr_headers *out)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		const json_t *value = json_object_get(resource, states[i]), *one;
		size_t k;

		say_state(out, json_is_true(value) || json_is_array(value)
				       ? states[i]
				       : json_string_value(value));
		json_array_foreach(json_object_get(value, "coding"), k, one)
			say_state(out, json_string_value(json_object_get(one, "code")));
		if (k == 0)
			say_state(out, json_string_value(json_object_get(value, "text")));
	}
}

bool fhir_json_read(emr_bytes file, emr_headers *out)
{
	json_t *root = NULL;
	const json_t *resource;
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *type, *when;

	if (emr_fhir_read(file, JSON_BYTES_MAX, &root) != EMR_FHIR_FINE)
		return false;
	resource = root;
	type = json_string_value(json_object_get(root, "resourceType"));
	if (type == NULL || type[0] == '\0' || strlen(type) > 64 ||
		strspn(type, letters) != strlen(type)) {
		json_decref(root);
		return false;
	}
	out->kind = EMR_HEADER_FHIR;
	/* A document is a bundle that begins with what it is about. */
	if (strcmp(type, "Bundle") == 0)
		resource = json_object_get(
			json_array_get(json_object_get(root, "entry"), 0), "resource");
	if (json_is_object(resource)) {
		read_resource(resource, out);
		say_states(resource, out);
	}
	when = text_at(root, "timestamp");
	if (out->study_date[0] == '\0' && when != NULL)
		fhir_set(out, FHIR_DATE, emr_bytes_of(when, strlen(when)));
	fhir_name(out, emr_bytes_of(type, strlen(type)));
	json_decref(root);
	return true;
}
