/* This file goes from a path to what is shared: the domain that it stands for, whether somebody can
 * have it, and when a folder inside a shared one can be granted by itself. Where publishing such a
 * folder does not go on, it says why. */
#include <stdio.h>
#include <string.h>

#include "fetch/fetch.h"
#include "keyring/coowned.h"
#include "kit/language.h"
#include "kit/text.h"
#include "replica/people.h"
#include "replica/ask.h"
#include "replica/follower.h"
#include "session/fetching.h"
#include "session/registered.h"
#include "share/teams.h"
#include "share/write.h"
#include "sharing/copies.h"

#include "sharing_private.h"

/* Data for want of which a share leaves out records comes from nodes, if they have it, until that
 * share is looked at again. */
static void bring_lacking(void *arg, const emr_cid *root)
{
	if (arg != NULL)
		emr_fetcher_bring_way(arg, root);
}

static emr_status let_go(void *arg, emr_id16 domain)
{
	return emr_view_let_go(arg, domain);
}

emr_status emr_sharing_handle(const emr_session *session, emr_share **out_share)
{
	const emr_share_options options = {.keyring = session->keyring,
		.ledger = session->ledger,
		.replica = session->replica,
		.records = session->records,
		.owner_name = session->profile.name,
		.owner_born = session->profile.born,
		.lacks = bring_lacking,
		.lacks_arg = emr_session_fetcher(session),
		.let_go = session->view != NULL ? let_go : NULL,
		.let_go_arg = session->view};

	return emr_share_new(&options, out_share);
}

emr_status emr_sharing_begin(const emr_session *session, emr_share **out_share)
{
	EMR_TRY(emr_sharing_handle(session, out_share));
	return emr_follow_now(session->replica);
}

bool emr_sharing_reaches_ledger(const emr_session *session)
{
	emr_ledger_absence absence;

	emr_ledger_look(session->ledger, &absence);
	return absence.status == EMR_OK;
}

emr_status emr_sharing_place(emr_session *session, const char *path, bool with_all,
	emr_id16 *out_domain, char out_label[EMR_ORDER_TEXT_MAX + 1], emr_problem *out_problem)
{
	const char *slash = strrchr(path, '/');
	emr_path_domain d;
	emr_status status = emr_view_domain_of(session->view, path, &d);

	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
	if (status != EMR_OK)
		return status;
	if (strcmp(path, "Inbox") == 0 || d.is_local || (path[0] == '\0' && !with_all))
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NEVER_SHARED, "path",
			path[0] != '\0' ? path : _("The whole folder"), NULL);
	/* A device would need the seed to sign for the domain. */
	if (emr_keyring_coowns(session->keyring, d.domain))
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
	if (d.type == EMR_META_SYMLINK)
		return EMR_PROBLEM(
			EMR_UNSUPPORTED, out_problem, EMR_SAY_NOT_SHAREABLE, "path", path, NULL);
	*out_domain = d.own;
	/* The folders above are not the reader's to know, and a name with controls or marks of
	 * direction in it is not put into a letter. */
	emr_show(slash != NULL	   ? slash + 1
		 : path[0] != '\0' ? path
				   : EMR_EVERYTHING,
		out_label, EMR_ORDER_TEXT_MAX + 1);
	return EMR_OK;
}

char *emr_sharing_path(emr_session *session, emr_id16 domain, const char *label)
{
	char *path = NULL;
	emr_status status = emr_view_path_of_object(session->view, domain, &path);

	return status == EMR_OK ? path : strdup(label);
}

emr_status emr_sharing_may_act(emr_session *session, emr_problem *out_problem)
{
	emr_problem why = {0};

	if (emr_own_key_is_revoked(session, out_problem))
		return EMR_DENIED;
	return emr_session_is_read_only(session, &why) || session->sharing == NULL
		       ? EMR_PROBLEM(EMR_READ_ONLY, out_problem, EMR_SAY_READ_ONLY, "path",
				 _("Your folder"), NULL)
		       : EMR_OK;
}

emr_status emr_sharing_may_have(const emr_who *who, emr_problem *out_problem)
{
	char text[EMR_WHO_TEXT_BYTES];

	emr_who_text(who, text, sizeof text);
	/* An organisation without anybody who works there. */
	if (who->kind == EMR_WHO_ORGANISATION && emr_id32_equal(who->id, emr_who_org_id(who->org)))
		return EMR_PROBLEM(
			EMR_UNSUPPORTED, out_problem, EMR_SAY_SHARE_WITH_PERSON, "who", text, NULL);
	if (who->is_dataset)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_JOINED_ONLY, "who", text,
			"name", strchr(who->called, ':') + 1, NULL);
	if (who->is_active)
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_A_MEMBER, "who", text, NULL);
}

/* Originals never go to a dataset that promises that they do not. */
static emr_status may_take(
	emr_session *session, const emr_team *dataset, const char *path, emr_problem *out_problem)
{
	emr_copies copies = {0};
	bool is_theirs;

	if (!dataset->terms.is_deidentified)
		return EMR_OK;
	EMR_TRY(emr_copies_of(session, dataset, &copies));
	is_theirs = strcmp(path, copies.path) == 0;
	emr_secret_free(&copies.secret);
	if (is_theirs)
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_CANNOT_JOIN, "what", dataset->name,
		"path", path, NULL);
}

emr_status emr_sharing_may_join(emr_session *session, const char *path, const emr_who *who,
	const char *terms, emr_order *order, emr_problem *out_problem)
{
	char text[EMR_WHO_TEXT_BYTES], hash[65];
	emr_team dataset;
	emr_status status = who->is_dataset
				    ? emr_team_of_grantee(session->replica, who->root, &dataset)
				    : EMR_NOT_FOUND;

	emr_who_text(who, text, sizeof text);
	if (status == EMR_OK) { /* another may have its name by now */
		emr_hex(dataset.terms_id.b, sizeof dataset.terms_id.b, hash);
		status = strcmp(hash, terms) == 0 ? EMR_OK : EMR_NOT_FOUND;
	}
	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_DATASET, "what", text, NULL);
	if (status != EMR_OK)
		return status;
	if (!who->is_active)
		return EMR_PROBLEM(
			EMR_DENIED, out_problem, EMR_SAY_NOT_A_MEMBER, "who", text, NULL);
	EMR_TRY(may_take(session, &dataset, path, out_problem));
	if (dataset.terms.price != 0) {
		char price[EMR_TEXT_BYTES];

		status = emr_replica_can_pay(session->replica, dataset.id, dataset.terms.price);
		emr_number_text(dataset.terms.price, price);
		if (status == EMR_DENIED)
			emr_problem_set(out_problem, EMR_SAY_NO_POINTS_PUT_BY, "what", text, "n",
				price, NULL);
		EMR_TRY(status);
	}
	order->rights = emr_sharing_by_rule(session, EMR_RIGHTS_READ);
	order->purposes = UINT32_C(1) << EMR_DATASET_PURPOSE;
	order->until_unix_s = dataset.terms.until_unix_s;
	return EMR_OK;
}

emr_status emr_sharing_may_do(emr_session *session, const char *path, const emr_who *who,
	uint16_t rights, emr_problem *out_problem)
{
	char text[EMR_WHO_TEXT_BYTES];
	emr_path_domain d;

	if (emr_rights_of_writing(rights) == 0)
		return EMR_OK;
	EMR_TRY(emr_view_domain_of(session->view, path, &d));
	if (d.type != EMR_META_DIR && emr_rights_of_reading(rights) == 0)
		return EMR_PROBLEM(
			EMR_DENIED, out_problem, EMR_SAY_DEPOSIT_IN_FOLDER, "path", path, NULL);
	if (who->kind == EMR_WHO_PERSON)
		return EMR_OK;
	emr_who_text(who, text, sizeof text);
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_WRITE_WITH_PERSON, "who", text, NULL);
}

/* ---- folders inside ---- */

/* Each run takes a portion; as long as they get fewer it goes on. */
emr_status emr_inner_await(emr_session *session, emr_id16 domain, uint64_t *out_kept_out)
{
	emr_domain_state before, now;

	EMR_TRY(emr_view_domain_state(session->view, domain, &now));
	while (!now.is_whole) {
		before = now;
		EMR_TRY(emr_view_publish_now(session->view));
		EMR_TRY(emr_view_domain_state(session->view, domain, &now));
		if (!now.is_whole && now.left == before.left &&
			now.old_places == before.old_places && now.is_made == before.is_made)
			EMR_TRY(now.left > 0 && now.left == now.failed ? EMR_MISSING_DATA
								       : EMR_BUSY);
	}
	*out_kept_out = now.kept_out;
	return EMR_OK;
}
