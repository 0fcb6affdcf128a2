/* This file makes the contents of the files in `.emrfs` (README, status, notices, log, requests,
 * report, index) when somebody reads them. */
#include "report/special.h"

#include <stdio.h>
#include <string.h>

#include "kit/language.h"
#include "kit/verbs.h"
#include "report/deeds.h"
#include "report/report.h"
#include "sharing/shares.h"

#include "special_private.h"

static const char *const readme = N_(
	"This folder is yours. What you put here is encrypted, kept on this computer and "
	"registered on a\n"
	"ledger. What is changed, swapped or set back behind it is noticed and not shown, unless "
	"the\n"
	"whole disk of your only computer is set back.\n"
	"\n"
	"Use it like any other folder: copy, open, rename, delete. A file is safe on this disk "
	"within\n"
	"seconds after a program has closed it, and on the ledger shortly after that.\n"
	"\n"
	"  Inbox          what others leave for you\n"
	"  shared-with-me what others share with you, one folder for each of them\n"
	"  shared-by-me   whom you share what with; rm of a link there ends it\n"
	"  .emrfs         this help; not shown in listings\n"
	"    status.txt   what is safe, and where (status.json for programs)\n"
	"    notices      what went wrong, newest last; follow it with tail -f\n"
	"    report.html  all of it on one page, for the browser, also on a telephone or on paper\n"
	"    log          what happened to your records, newest last (log.json for programs)\n"
	"    index.csv    a list of your records, for spreadsheets and search\n"
	"    at           the folder as it was: .emrfs/at/2026-11-20 (the end of that day) or\n"
	"                 .emrfs/at/2026-11-20T14:05; listing it shows the days with changes\n"
	"    deleted      deleted files, where they were\n"
	"    consent      copy a FHIR Consent here (Consents in your folder): it becomes a\n"
	"                 request, which nobody but you answers\n"
	"    requests     who asks you for access, one file each; emrfs request lists them\n"
	"    proof        a proof for every file, to give to others: NAME.tlog-proof, checked "
	"with\n"
	"                 emrfs verify --proof FILE [COPY]\n"
	"\n"
	"getfattr -n user.emrfs.state FILE shows one of the things that emrfs knows about a\n"
	"file; man emrfs-folder names all of them.\n"
	"\n");

const char *const emr_special_names[] = {"README.txt", "status.txt", "status.json", "notices",
	"index.csv", "log", "log.json", "report.html", EMR_SPECIAL_TOP "README",
	EMR_SPECIAL_TOP "terms.json", EMR_SPECIAL_TOP "AGREEMENT.txt",
	EMR_SPECIAL_TOP "participants.tsv", EMR_SPECIAL_TOP "MANIFEST.sha256",
	EMR_SPECIAL_TOP "CITATION.cff", EMR_SPECIAL_TOP "dataset_description.json",
	EMR_SPECIAL_TOP "participants.json", EMR_SPECIAL_TOP "ro-crate-metadata.json",
	EMR_SPECIAL_TOP ".bidsignore"};
const size_t emr_special_count = sizeof emr_special_names / sizeof *emr_special_names;

static emr_status append_text(emr_buf *out, const char *text)
{
	return text != NULL ? emr_buf_append(out, text, strlen(text)) : EMR_NO_MEMORY;
}

static emr_status make_status(const emr_special *special, bool as_json, emr_buf *out)
{
	json_t *report = emr_report_folder(special->session, special->notices);
	EMR_AUTO_FREE char *text = NULL;
	json_t *whole;

	if (report == NULL)
		return EMR_NO_MEMORY;
	if (!as_json) {
		text = emr_report_text(report);
		json_decref(report);
		return append_text(out, text);
	}
	whole = json_pack("{s:i, s:s, s:b}", "emrfs", 1, "verb", "status", "ok", 1);
	if (whole != NULL && json_object_update(whole, report) == 0)
		text = json_dumps(whole, JSON_INDENT(2));
	json_decref(whole);
	json_decref(report);
	if (append_text(out, text) != EMR_OK)
		return EMR_NO_MEMORY;
	return append_text(out, "\n");
}

/* "r-4m8t.txt" */
static emr_status make_request(const emr_special *special, const char *name, emr_buf *out)
{
	EMR_AUTO_SHARES rows = {0};
	char id[EMR_SHARE_ID_BYTES];
	const emr_share_row *row;
	emr_status status = emr_shares_asked(special->session, NULL, &rows);

	snprintf(id, sizeof id, "%.*s", (int)strcspn(name, "."), name);
	if (status == EMR_OK)
		status = emr_shares_find(&rows, id, &row);
	if (status != EMR_OK)
		return status == EMR_CONFLICT ? EMR_NOT_FOUND : status;
	return emr_share_is_to_me(row) ? emr_share_request_file(row, out) : EMR_NOT_FOUND;
}

static emr_status make_special(const emr_special *special, const char *name, emr_buf *out)
{
	if (strncmp(name, EMR_SPECIAL_TOP, strlen(EMR_SPECIAL_TOP)) == 0)
		return emr_study_make(special, name + strlen(EMR_SPECIAL_TOP), out);
	if (strcmp(name, "README.txt") == 0 && !emr_id16_is_zero(special->dataset))
		return emr_study_make(special, "README", out);
	if (strcmp(name, "README.txt") == 0) {
		EMR_AUTO_FREE char *help = emr_help_overview(false);

		EMR_TRY(append_text(out, emr_text(readme)));
		return append_text(out, help);
	}
	if (strcmp(name, "status.txt") == 0)
		return make_status(special, false, out);
	if (strcmp(name, "status.json") == 0)
		return make_status(special, true, out);
	if (strcmp(name, "notices") == 0)
		return emr_notices_text(special->notices, out);
	if (strcmp(name, "index.csv") == 0)
		return emr_index_csv(special->session, out);
	if (strcmp(name, "report.html") == 0)
		return emr_page_html(special->session, special->notices, out);
	if (strcmp(name, "log") == 0)
		return emr_deeds_file(special->session, false, out);
	if (strcmp(name, "log.json") == 0)
		return emr_deeds_file(special->session, true, out);
	if (strncmp(name, "requests/", 9) == 0)
		return make_request(special, name + 9, out);
	return EMR_NOT_FOUND;
}

/* Programs read these. */
static bool is_english(const char *name)
{
	return strcmp(name, "status.json") == 0 || strcmp(name, "log.json") == 0 ||
	       strcmp(name, "index.csv") == 0;
}

emr_status emr_special_make(void *arg, const char *name, emr_buf *out)
{
	bool before = emr_language_english(is_english(name));
	emr_status status = make_special(arg, name, out);

	(void)emr_language_english(before);
	return status;
}

emr_status emr_special_proof(void *arg, const emr_place *place, emr_buf *out)
{
	const emr_special *special = arg;

	return emr_evidence_make(special->session, place, out);
}
