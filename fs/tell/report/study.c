/* This file makes what lies beside the participants in a folder that shows one dataset: its README,
 * terms, participants, sums, and how to cite it. They are made again for each reader, and say what
 * is lacking by now. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kit/out.h"
#include "kit/language.h"
#include "kit/text.h"
#include "people/who.h"
#include "report/special.h"
#include "share/frozen.h"
#include "view/received.h"

#include "special_private.h"

emr_status emr_study_sum(emr_view *view, emr_study_sums *out)
{
	EMR_AUTO_BUF all = {0};

	*out = (emr_study_sums){.files = 0};
	EMR_TRY(emr_view_participants(view, &all));
	EMR_EACH (const emr_participant, one, &all) {
		out->participants += !one->is_over;
		out->files += one->files;
	}
	return EMR_OK;
}

static emr_status __attribute__((format(printf, 2, 3))) put(emr_buf *out, const char *format, ...)
{
	EMR_AUTO_FREE char *text = NULL;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	return len >= 0 ? emr_buf_append(out, text, (size_t)len) : EMR_NO_MEMORY;
}

static emr_status steward_of(const emr_special *special, const emr_team *team, char out[256])
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;
	emr_id32 root = EMR_ID32_AT(team->row.steward);

	EMR_TRY(emr_crowd_open(special->session, &crowd));
	EMR_TRY(emr_who_of(&crowd, root, &who));
	emr_show(who.organisation, out, 256);
	return EMR_OK;
}

static emr_status make_readme(const emr_special *special, const emr_team *team, emr_buf *out)
{
	char steward[256], id[65];

	emr_hex(team->terms_id.b, sizeof team->terms_id.b, id);
	EMR_TRY(steward_of(special, team, steward));
	return put(out,
		_("This folder is the dataset %s of %s, for reading only. Its steward signed the "
		  "terms: the SHA-256 of terms.json is\n"
		  "%s.\n\n"
		  "  PSEUDONYM/       what one participant gives\n"
		  "  participants.tsv how many files of each the ledger has, and how new ones "
		  "open\n"
		  "  MANIFEST.sha256  for sha256sum -c: each file that is there, and what is "
		  "lacking\n"
		  "  CITATION.cff     how to cite it, and what is incomplete\n"
		  "  .emrfs/notices   what could not be opened, and why\n\n"
		  "A file opens for the first time any-time, while-open (the participant's own\n"
		  "folder), or not: absent (nobody answers for the participant), daily-limit (of\n"
		  "files that you may open a day; those that you opened before open still).\n"
		  "Ended: left (the participant), dropped (you), grant-revoked (your key), closed\n"
		  "(the dataset).\n"
		  "The sum of a copy was made with it, and signed by its participant. Originals\n"
		  "have none: each byte of them is compared with what its participant signed\n"
		  "when it is read, and reading fails where it does not fit.\n"
		  "What you have open ends with the participant's leaving: reading fails, and a\n"
		  "program that has mapped the file is killed by SIGBUS. So copy it first.\n"),
		team->name, steward, id);
}

/* For the manifest only those whose records do not open now: sha256sum passes over such lines. */
static emr_status put_participants(emr_view *view, bool is_manifest, emr_buf *out)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_view_participants(view, &all));
	EMR_EACH (const emr_participant, one, &all) {
		bool opens = strcmp(one->opens, emr_opens_word(true)) == 0 ||
			     strcmp(one->opens, emr_opens_word(false)) == 0;

		if (!is_manifest)
			EMR_TRY(put(out, "sub-%s\t%llu\t%s\n", one->pseudonym,
				(unsigned long long)one->files, one->opens));
		else if (!opens)
			EMR_TRY(put(out, "# %s %s/\n", one->opens, one->pseudonym));
	}
	return EMR_OK;
}

/* The part of the frozen state that is there by now. */
static emr_status look(const emr_special *special, const emr_team *team, emr_frozen_look *out)
{
	emr_team present;

	EMR_TRY(emr_team_present(special->session->replica, team, &present));
	return emr_frozen_look_at(special->session->replica, &present, special->frozen.log_size,
		emr_clock_unix_s(emr_clock_system()), out);
}

static emr_status make_manifest(const emr_special *special, const emr_team *team, emr_buf *out)
{
	EMR_AUTO_FROZEN_LOOK now = {.n = 0};
	char id[65];

	emr_hex(team->terms_id.b, sizeof team->terms_id.b, id);
	EMR_TRY(put(out, "%s  terms.json\n", id));
	if (special->frozen.log_size != 0) {
		EMR_TRY(look(special, team, &now));
		emr_hex(special->frozen.root.b, sizeof special->frozen.root.b, id);
		EMR_TRY(put(out,
			"# root %s: %u of %u versions; folders taken back: %u\n"
			"# versions that are not there: left %llu, erased %llu, dropped %llu\n",
			id, now.n, special->frozen.n, now.withdrawn, (unsigned long long)now.left,
			(unsigned long long)now.erased, (unsigned long long)now.dropped));
	}
	EMR_TRY(emr_view_study_list(special->session->view, out));
	return put_participants(special->session->view, true, out);
}

/* The state that is shown, or, where none is, the dataset as it is today. */
typedef struct cited {
	char steward[256], id[65], day[EMR_TEXT_BYTES];
} cited;

static emr_status cite(const emr_special *special, const emr_team *team, cited *out)
{
	const emr_frozen *frozen = &special->frozen;

	emr_hex(team->terms_id.b, sizeof team->terms_id.b, out->id);
	emr_time_json(emr_clock_unix_s(emr_clock_system()), out->day);
	if (frozen->log_size != 0) {
		emr_hex(frozen->id.b, sizeof frozen->id.b, out->id);
		emr_time_json((int64_t)frozen->time_unix_s, out->day);
	}
	return steward_of(special, team, out->steward);
}

/* YAML of lines, as programs for citations look for it, with texts as JSON writes them. */
static emr_status make_citation(const emr_special *special, const emr_team *team, emr_buf *out)
{
	EMR_AUTO_FROZEN_LOOK now = {.n = 0};
	EMR_AUTO_FREE char *steward = NULL;
	const emr_frozen *frozen = &special->frozen;
	const char *hash = team->terms.words[EMR_TERMS_AGREEMENT];
	const char *doi = team->terms.words[EMR_TERMS_DOI];
	json_auto_t *name = NULL;
	char told[300];
	emr_study_sums sums;
	cited it;

	EMR_TRY(cite(special, team, &it));
	EMR_TRY(emr_study_sum(special->session->view, &sums));
	snprintf(told, sizeof told,
		"Not frozen: %llu files of %llu participants, which change from day to day.",
		(unsigned long long)sums.files, (unsigned long long)sums.participants);
	if (frozen->log_size != 0) {
		EMR_TRY(look(special, team, &now));
		snprintf(told, sizeof told,
			"%s: %u of %u versions are there, of %llu participants; folders taken "
			"back: %u.",
			now.n == frozen->n && emr_id32_equal(now.root, frozen->root) ? "Complete"
										     : "Incomplete",
			now.n, frozen->n, (unsigned long long)sums.participants, now.withdrawn);
	}
	name = emr_json_text(it.steward);
	steward = json_dumps(name, JSON_ENCODE_ANY);
	if (steward == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(put(out,
		"cff-version: \"1.2.0\"\n"
		"message: \"Please cite it so.\"\n"
		"type: \"dataset\"\n"
		"title: \"%s\"\n"
		"authors:\n  - name: %s\n"
		"identifiers:\n  - type: \"other\"\n    value: \"%s\"\n    description: \"%s\"\n"
		"%s%s%s",
		team->name, steward, it.id,
		frozen->log_size != 0 ? "emrfs frozen state" : "emrfs terms",
		hash[0] != '\0' ? "  - type: \"other\"\n    value: \"" : "", hash,
		hash[0] != '\0' ? "\"\n    description: \"SHA-256 of the agreement that each "
				  "reader signed\"\n"
				: ""));
	if (doi[0] != '\0')
		EMR_TRY(put(out,
			"  - type: \"doi\"\n    value: \"%s\"\n    description: \"The dataset in "
			"all its states\"\ndoi: \"%s\"\n",
			doi, doi));
	return put(out, "abstract: \"%s\"\ndate-released: \"%.10s\"\n", told, it.day);
}

/* ---- for programs that know such folders ---- */

static emr_status put_object(json_t *object, emr_buf *out)
{
	EMR_AUTO_FREE char *text = json_dumps(object, JSON_INDENT(2));

	json_decref(object);
	return text != NULL ? put(out, "%s\n", text) : EMR_NO_MEMORY;
}

/* NULL, which is left out, where the terms do not say it. A crate must have a licence. */
static json_t *word_of(const emr_team *team, size_t word)
{
	const char *text = team->terms.words[word];

	if (text[0] == '\0' && word == EMR_TERMS_LICENCE)
		text = "The terms in terms.json, and no other";
	return text[0] != '\0' ? emr_json_text(text) : NULL;
}

/* NULL where the terms have none. As a URI, because BIDS and RO-Crate 1.1 want it so. */
static json_t *doi_of(const emr_team *team, const char *before)
{
	const char *doi = team->terms.words[EMR_TERMS_DOI];

	return doi[0] != '\0' ? json_sprintf("%s%s", before, doi) : NULL;
}

/* BIDS 1.8: what the folder is called, and the columns of its participants. */
static emr_status make_description(const emr_team *team, emr_buf *out)
{
	json_t *ethics = word_of(team, EMR_TERMS_ETHICS), *funder = word_of(team, EMR_TERMS_FUNDER);

	return put_object(json_pack("{s:s, s:s, s:s, s:o*, s:o*, s:o*, s:o*, s:[{s:s}]}", "Name",
				  team->name, "BIDSVersion", "1.8.0", "DatasetType", "raw",
				  "License", word_of(team, EMR_TERMS_LICENCE), "EthicsApprovals",
				  ethics != NULL ? json_pack("[o]", ethics) : NULL, "Funding",
				  funder != NULL ? json_pack("[o]", funder) : NULL, "DatasetDOI",
				  doi_of(team, "doi:"), "GeneratedBy", "Name", "emrfs"),
		out);
}

static const char columns[] =
	"{\n"
	"  \"participant_id\": {\"Description\": \"sub- and the name of the participant's "
	"folder\"},\n"
	"  \"files\": {\"Description\": \"Number of files that the ledger has\"},\n"
	"  \"state\": {\"Description\": \"How a file opens that was not opened here before\"}\n"
	"}\n";

/* RO-Crate 1.1. */
static emr_status make_crate(const emr_special *special, const emr_team *team, emr_buf *out)
{
	json_t *agreement = NULL, *doi;
	cited it;

	EMR_TRY(cite(special, team, &it));
	doi = doi_of(team, "https://doi.org/");
	if (emr_dataset_has_agreement(team))
		agreement = json_pack("{s:s, s:s, s:s, s:s, s:o}", "@id", "AGREEMENT.txt", "@type",
			"File", "name", "Agreement that each reader signs", "encodingFormat",
			"text/plain", "sha256", word_of(team, EMR_TERMS_AGREEMENT));
	return put_object(
		json_pack("{s:s, s:[{s:s, s:s, s:{s:s}, s:{s:s}}, {s:s, s:s, s:s, s:o, s:s#, s:o*, "
			  "s:o, s:o, s:o*, s:o*, s:{s:s}}, {s:s, s:s, s:o}, o*]}",
			"@context", "https://w3id.org/ro/crate/1.1/context", "@graph", "@id",
			"ro-crate-metadata.json", "@type", "CreativeWork", "conformsTo", "@id",
			"https://w3id.org/ro/crate/1.1", "about", "@id", "./", "@id", "./", "@type",
			"Dataset", "name", team->name, "description",
			emr_json_text(team->terms.purpose), "datePublished", it.day, 10, "license",
			word_of(team, EMR_TERMS_LICENCE), "identifier",
			doi != NULL ? json_pack("[o, s]", doi, it.id) : json_string(it.id),
			"conditionsOfAccess", emr_json_text(team->terms.who), "usageInfo",
			word_of(team, EMR_TERMS_DUO), "hasPart",
			agreement != NULL ? json_pack("{s:s}", "@id", "AGREEMENT.txt") : NULL,
			"publisher", "@id", "#steward", "@id", "#steward", "@type", "Organization",
			"name", emr_json_text(it.steward), agreement),
		out);
}

emr_status emr_study_make(const emr_special *special, const char *name, emr_buf *out)
{
	emr_team team;

	EMR_TRY(emr_team_get(special->session->replica, special->dataset, &team));
	if (strcmp(name, "README") == 0)
		return make_readme(special, &team, out);
	if (strcmp(name, "terms.json") == 0)
		return emr_dataset_file(special->session->replica, &team, EMR_DATASET_TERMS, out);
	if (strcmp(name, "AGREEMENT.txt") == 0 && !emr_dataset_has_agreement(&team))
		return put(out, "The terms of this dataset name no agreement.\n");
	if (strcmp(name, "AGREEMENT.txt") == 0)
		return emr_dataset_file(
			special->session->replica, &team, EMR_DATASET_AGREEMENT, out);
	if (strcmp(name, "participants.tsv") == 0) {
		EMR_TRY(put(out, "participant_id\tfiles\tstate\n"));
		return put_participants(special->session->view, false, out);
	}
	if (strcmp(name, "MANIFEST.sha256") == 0)
		return make_manifest(special, &team, out);
	if (strcmp(name, "dataset_description.json") == 0)
		return make_description(&team, out);
	if (strcmp(name, "participants.json") == 0)
		return put(out, "%s", columns);
	if (strcmp(name, "ro-crate-metadata.json") == 0)
		return make_crate(special, &team, out);
	if (strcmp(name, ".bidsignore") == 0) /* no folder of a participant is called sub-* */
		return put(out, "*\n!/README\n!/dataset_description.json\n");
	return make_citation(special, &team, out);
}
