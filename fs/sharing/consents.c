/* A hospital's consent system gives a patient a file that says which persons may see which records.
 * This file turns such files, once they are records of the folder, into requests that the patient
 * can say yes to: the file itself stays untouched, as the evidence of what was asked. */
#include "sharing/office.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "consent/consent.h"
#include "keyring/card.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "share/write.h"
#include "sharing/sharing.h"
#include "view/view.h"
#include "view/walk.h"

#define SOON_NS                                                                                    \
	INT64_C(1000000000) /* the ledger says that it has grown before this folder takes it in */
#define LATER_NS INT64_C(60000000000)

/* One file on its way to a request. */
typedef struct judging {
	emr_visit *visit;
	emr_crowd crowd;
	emr_orders orders;
	emr_buf *seen;
	const char *path; /* of the file */
	emr_consent consent;
	emr_order row;
} judging;

static void judging_free(judging **j)
{
	if (*j == NULL)
		return;
	emr_crowd_close(&(*j)->crowd);
	emr_orders_free(&(*j)->orders);
	free(*j);
}

emr_status emr_consents_refuse(const char *path, const char *why, emr_problem *out_problem)
{
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NO_CONSENT, "path", path, "cause",
		emr_text(why), NULL);
}

/* ---- who and where: NULL when nothing is wrong ---- */

/* By a key or by handle@organisation, which the ledger answers for.  A name is no identifier. */
static emr_status find_person(emr_crowd *crowd, const char *identifier, emr_who *out)
{
	char names[400];
	emr_id32 id;
	emr_status status;

	if (emr_unhex(identifier, id.b, sizeof id.b) == EMR_OK)
		status = emr_who_of(crowd, id, out);
	else if (strchr(identifier, '@') != NULL)
		status = emr_who_find(crowd, identifier, out, names, sizeof names);
	else
		status = EMR_NOT_FOUND;
	if (status == EMR_CONFLICT || (status == EMR_OK && !out->is_registered))
		status = EMR_NOT_FOUND;
	return status;
}

/* Also by the code of one's own key, or of a former one, as long as it names one key alone. */
static emr_status is_me(judging *j, bool *out_is)
{
	const emr_keyring *keyring = j->visit->session->keyring;
	emr_id32 own;
	emr_who patient;
	emr_status status;

	*out_is = false;
	for (size_t i = 0; !*out_is && emr_keyring_former_id(keyring, i, &own) == EMR_OK; i++)
		*out_is = emr_key_code_names(own, j->consent.patient);
	if (*out_is)
		return EMR_OK;
	status = find_person(&j->crowd, j->consent.patient, &patient);
	*out_is = status == EMR_OK && emr_keyring_is_self(keyring, patient.id);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status judge_people(judging *j, const char **out_why)
{
	emr_id32 own = j->visit->session->identity.signer_id;
	emr_who grantee;
	bool is_mine;
	emr_status status;

	EMR_TRY(is_me(j, &is_mine));
	if (!is_mine) {
		*out_why = N_("it is not about your records");
		return EMR_OK;
	}
	status = find_person(&j->crowd, j->consent.grantee, &grantee);
	if (status == EMR_NOT_FOUND) {
		*out_why =
			N_("whom it names nobody here knows: add the card (emrfs people add), then "
			   "copy the file here again");
		return EMR_OK;
	}
	EMR_TRY(status);
	if (grantee.kind != EMR_WHO_PERSON)
		*out_why =
			N_("it names a group, and a Consent becomes a request for one person only");
	else if (emr_id32_equal(grantee.id, own))
		*out_why = N_("it names yourself");
	else if (!grantee.is_active)
		*out_why = N_("whom it names may not act any more");
	j->row.grantee = grantee.id;
	return EMR_OK;
}

static emr_status judge_place(judging *j, const char **out_why)
{
	emr_session *session = j->visit->session;
	char clean[EMR_REQUEST_PATH_MAX + 1], label[EMR_ORDER_TEXT_MAX + 1];
	emr_problem problem = {0};
	emr_known_grant grant;
	emr_id16 domain;
	emr_status status = emr_path_clean(j->consent.path, clean, sizeof clean);

	if (status == EMR_OK)
		status = emr_sharing_place(session, clean, false, &domain, label, &problem);
	if (status == EMR_NOT_FOUND || status == EMR_NOT_DIRECTORY || status == EMR_DENIED ||
		status == EMR_UNSUPPORTED || status == EMR_LIMIT) {
		*out_why = N_("what it names is not in your folder, or can never be shared");
		return EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	if (j->consent.has_folder && !emr_id16_equal(j->consent.folder, domain)) {
		*out_why = N_("the folder or file that it means is called otherwise now");
		return EMR_OK;
	}
	memcpy(j->row.path, clean, strlen(clean) + 1);
	/* After a restore from the words nothing else remembers that it was said yes to. */
	status = emr_replica_grant(session->replica, domain, j->consent.request, &grant);
	if (status == EMR_OK)
		*out_why = N_("it was answered already");
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- the file ---- */

static emr_status read_file(emr_view *view, uint64_t number, emr_buf *out)
{
	emr_handle *handle = NULL;
	uint8_t piece[16384];
	size_t got = 1;
	emr_status status = emr_view_open_file(view, number, O_RDONLY, &handle);

	while (status == EMR_OK && got > 0 && out->len <= EMR_CONSENT_BYTES_MAX) {
		status = emr_view_read(handle, out->len, piece, sizeof piece, &got);
		if (status == EMR_OK)
			status = emr_buf_append(out, piece, got);
	}
	if (handle != NULL)
		emr_view_release(handle);
	return status;
}

static const char *judge_register(const judging *j)
{
	const emr_order *before = emr_orders_asked(&j->orders, j->consent.request);
	size_t n = 0;

	if (before != NULL)
		return before->told == EMR_SHARE_REQUEST_OPEN ? N_("it asks already")
							      : N_("it was answered already");
	for (size_t i = 0; i < j->orders.n; i++)
		n += emr_order_is_of_consent(&j->orders.list[i]);
	return n >= EMR_CONSENTS_MAX ? N_("too many others wait or hold") : NULL;
}

static emr_status judge_consent(judging *j, emr_bytes bytes, const char **out_why)
{
	const emr_session *session = j->visit->session;
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_status status;

	if (strlen(j->path) >= sizeof j->row.reason) {
		*out_why = N_("the path of the file is too long");
		return EMR_OK;
	}
	status = emr_consent_read(bytes, now, &j->consent, out_why);
	if (status == EMR_INVALID)
		return EMR_OK;
	EMR_TRY(status);
	*out_why = judge_register(j);
	if (*out_why == NULL)
		EMR_TRY(judge_people(j, out_why));
	if (*out_why == NULL)
		EMR_TRY(judge_place(j, out_why));
	if (*out_why != NULL)
		return EMR_OK;
	j->row.kind = EMR_ORDER_WAITS;
	j->row.request = j->consent.request;
	j->row.asked_unix_s = now;
	j->row.until_unix_s = j->consent.until_unix_s;
	j->row.purposes = j->consent.purposes;
	j->row.rights = j->consent.may_change ? EMR_RIGHTS_WRITE : EMR_RIGHTS_READ;
	j->row.told = EMR_SHARE_REQUEST_OPEN;
	memcpy(j->row.reason, j->path, strlen(j->path) + 1);
	status = emr_sharing_note(session->sharing, &j->row);
	emr_orders_free(&j->orders);
	if (status == EMR_OK)
		status = emr_orders_load(session->keyring, session->state_fd, &j->orders);
	return status;
}

static void refuse(const judging *j, const char *why)
{
	emr_problem problem = {0};
	bool is_long = strlen(j->path) >= sizeof j->row.reason; /* the reason would be cut off */
	const char *path = is_long ? strrchr(j->path, '/') + 1 : j->path;

	(void)emr_consents_refuse(path, why, &problem);
	emr_notices_add_problem(j->visit->notices, &problem, j->path);
}

/* One version of a file, as SEEN has it. */
typedef struct version {
	emr_id16 object;
	uint64_t cver;
} version;

static void look_again(emr_visit *visit, int64_t in_ns)
{
	int64_t due = emr_clock_boot_ns(emr_clock_system()) + in_ns;

	visit->due_boot_ns = due < visit->due_boot_ns ? due : visit->due_boot_ns;
}

/* NULL: what lies there is to be read.  Else it never will be, whatever is in it. */
static const char *why_unread(judging *j, const emr_attr *attr, const emr_record_facts *facts)
{
	if (attr->type != EMR_META_FILE)
		return N_("it is a link, and only files are read");
	if (!facts->is_local)
		return NULL;
	/* A program that saves has such a file for a moment. */
	if (attr->mtime_ns > emr_clock_unix_ns(emr_clock_system()) - LATER_NS) {
		look_again(j->visit, LATER_NS);
		return NULL;
	}
	return N_("by its name it is a program's own file, which never leaves this computer; give "
		  "it another name");
}

/* Each file is taken or refused, whatever it is called.  One that is not on the ledger yet is
 * looked at when it is, and one that is not on this computer later. */
static emr_status look_at(judging *j, const char *path, const emr_attr *attr)
{
	EMR_AUTO_BUF bytes = {0};
	emr_record_facts facts;
	const emr_order *before;
	const char *why = NULL;
	emr_status status;
	version this;

	if (attr->type == EMR_META_DIR ||
		emr_view_record(j->visit->session->view, attr->node, &facts) != EMR_OK)
		return EMR_OK;
	this = (version){.object = facts.object, .cver = facts.cver};
	if (emr_buf_has(j->seen, emr_bytes_of(&this, sizeof this)))
		return EMR_OK;
	j->path = path;
	why = why_unread(j, attr, &facts);
	if (why != NULL) {
		refuse(j, why);
		return emr_buf_append(j->seen, &this, sizeof this);
	}
	if (facts.is_local)
		return EMR_OK;
	if (!facts.is_confirmed || facts.cver == 0) {
		look_again(j->visit, SOON_NS);
		return EMR_OK;
	}
	j->row = (emr_order){0};
	if (read_file(j->visit->session->view, attr->node, &bytes) != EMR_OK) {
		look_again(j->visit, LATER_NS);
		return EMR_OK;
	}
	j->consent = (emr_consent){0};
	status = judge_consent(j, emr_buf_view(&bytes), &why);
	if (status == EMR_IO) { /* such as a helper that is not there; other files do not wait */
		emr_log(EMR_LOG_WARN, "office: a Consent cannot be looked at now");
		look_again(j->visit, LATER_NS);
		return EMR_OK;
	}
	EMR_TRY(status);
	/* The same file as when it was read first is no news. */
	before = emr_orders_asked(&j->orders, j->consent.request);
	if (why != NULL && (before == NULL || strcmp(before->reason, j->path) != 0))
		refuse(j, why);
	return emr_buf_append(j->seen, &this, sizeof this);
}

emr_status emr_consents_take(emr_visit *visit, emr_buf *seen)
{
	emr_session *session = visit->session;
	__attribute__((cleanup(judging_free))) judging *j = NULL;
	EMR_WALK(walk, session->view, EMR_CONSENTS_FOLDER);

	if (walk.status == EMR_NOT_FOUND || session->read_only ||
		emr_keyring_kind_of(session->keyring) == EMR_KEYRING_DEVICE)
		return EMR_OK;
	EMR_TRY(walk.status);
	j = calloc(1, sizeof *j);
	if (j == NULL)
		return EMR_NO_MEMORY;
	j->visit = visit;
	j->seen = seen;
	EMR_TRY(emr_crowd_open(session, &j->crowd));
	EMR_TRY(emr_orders_load(session->keyring, session->state_fd, &j->orders));
	while (emr_walk_next(&walk))
		EMR_TRY(look_at(j, walk.path, &walk.attr));
	return walk.status;
}
