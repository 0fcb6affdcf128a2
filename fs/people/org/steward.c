/* This file is what the steward of a dataset does: the steward calls for records on terms, admits
 * readers, takes them out, and closes. Terms are signed once: nothing here changes them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "kit/language.h"
#include "kit/text.h"
#include "org/datasets.h"
#include "org/team_care.h"
#include "replica/ask.h"

/* ---- create ---- */

static emr_status read_terms(
	const char *path, emr_buf *file, emr_terms *terms, emr_problem *out_problem)
{
	const char *what = "";
	char cause[200];
	emr_status status = emr_file_read(AT_FDCWD, path, EMR_TERMS_FILE_MAX, file);

	if (status != EMR_OK && status != EMR_LIMIT) {
		snprintf(cause, sizeof cause, "%s", emr_text(emr_status_text(status)));
	} else {
		if (status == EMR_OK)
			status = emr_terms_parse(emr_buf_view(file), terms, &what);
		if (status == EMR_OK &&
			terms->until_unix_s <= emr_clock_unix_s(emr_clock_system())) {
			what = "until";
			status = EMR_INVALID;
		}
		snprintf(cause, sizeof cause,
			strcmp(what, emr_terms_word(EMR_TERMS_DOI)) == 0
				? _("\"%s\" is not right: write it as 10.5281/zenodo.1234567, "
				    "without https://doi.org/ or doi: before it")
			: what[0] != '\0' ? _("\"%s\" is not right, or lacks")
					  : _("it is no such JSON object of at most %s bytes"),
			what[0] != '\0' ? what : "4,096");
	}
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_BAD_TERMS, "file", path, "cause", cause, NULL);
	return status;
}

/* The text that TERMS name, or nothing. */
static emr_status read_agreement(
	const emr_args *args, const emr_terms *terms, emr_buf *text, emr_problem *out_problem)
{
	const char *path = args->values[EMR_OPT_AGREEMENT];
	emr_status status = EMR_INVALID;

	if (path == NULL && terms->words[EMR_TERMS_AGREEMENT][0] == '\0')
		return EMR_OK;
	if (path != NULL)
		status = emr_file_read(AT_FDCWD, path, EMR_AGREEMENT_MAX, text);
	if (status == EMR_OK && emr_agreement_ok(terms, emr_buf_view(text)))
		return EMR_OK;
	return EMR_PROBLEM(status == EMR_OK ? EMR_INVALID : status, out_problem, EMR_SAY_BAD_TERMS,
		"file", args->values[EMR_OPT_TERMS], "cause",
		_("\"agreement\" is not the SHA-256 of --agreement FILE, a text of lines of at "
		  "most "
		  "16,384 bytes"),
		NULL);
}

/* Also by another steward of it, or in other capitals: people name it by organisation and letters.
 */
static emr_status is_name_taken(const emr_bureau *bureau, const char *name, bool *out_is)
{
	EMR_ASK(asked, bureau->session.replica, TEAMS_OPEN);
	emr_team team;

	*out_is = false;
	while (!*out_is && emr_team_next(&asked, &team))
		*out_is = team.kind == EMR_TEAM_DATASET && emr_id16_equal(team.org, bureau->org) &&
			  strcasecmp(team.name, name) == 0;
	return asked.status;
}

emr_status emr_dataset_create(const emr_args *args, emr_bureau *bureau, emr_problem *out_problem)
{
	const char *name = args->operands[1], *path = args->values[EMR_OPT_TERMS];
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF agreement = {0};
	emr_terms terms;
	emr_team made;
	bool is_taken = false;

	if (!emr_dataset_name_ok(name))
		return emr_wrong_use("dataset",
			_("The name of a dataset has 1 to 40 letters (a to z), digits, -, "
			  "_ and dots."),
			out_problem);
	if (path == NULL)
		return emr_wrong_use("dataset", _("--terms FILE says on what terms."), out_problem);
	EMR_TRY(read_terms(path, &file, &terms, out_problem));
	EMR_TRY(read_agreement(args, &terms, &agreement, out_problem));
	EMR_TRY(is_name_taken(bureau, name, &is_taken));
	if (is_taken) {
		emr_problem_set(out_problem, EMR_SAY_DATASET_IS_THERE, "what", name, NULL);
		return EMR_EXISTS;
	}
	return emr_dataset_make(bureau, name, emr_buf_view(&file), emr_buf_view(&agreement), &terms,
		&made, out_problem);
}

/* ---- readers ---- */

static emr_status find_dataset(emr_bureau *bureau, const char *name, emr_team *out, emr_problem *p)
{
	emr_status status = emr_team_find(bureau, EMR_TEAM_DATASET, name, out);

	if (status == EMR_NOT_FOUND)
		emr_problem_set(p, EMR_SAY_NOT_STEWARD, "what", name, NULL);
	return status;
}

static emr_status find_reader(
	emr_bureau *bureau, const char *text, emr_known_person *out, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_who who;

	EMR_TRY(emr_crowd_open(&bureau->session, &crowd));
	EMR_TRY(emr_who_find_or_say(&crowd, text, &who, out_problem));
	if (who.kind != EMR_WHO_PERSON)
		EMR_TRY(emr_wrong_use("dataset",
			_("Readers are admitted one by one: a person, not a team or an "
			  "organisation."),
			out_problem));
	if (!who.is_active) {
		emr_problem_set(out_problem, EMR_SAY_NOT_A_MEMBER, "who", text, NULL);
		return EMR_DENIED;
	}
	return emr_replica_person(bureau->session.replica, who.id, out);
}

emr_status emr_dataset_admit(emr_bureau *bureau, const char *name, const char *who,
	uint64_t until_unix_s, emr_problem *out_problem)
{
	uint64_t end, signed_unix_s = 1;
	emr_known_person reader;
	emr_team dataset;
	char plain[EMR_DATASET_NAME_MAX + 1];

	snprintf(plain, sizeof plain, "%.*s", (int)strcspn(name, "@"), name);
	EMR_TRY(find_dataset(bureau, plain, &dataset, out_problem));
	EMR_TRY(find_reader(bureau, who, &reader, out_problem));
	if (emr_dataset_has_agreement(&dataset))
		EMR_TRY(emr_agreement_signed(bureau->session.replica, &dataset,
			EMR_ID32_AT(reader.row.root), &signed_unix_s));
	if (signed_unix_s == 0)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NOT_SIGNED, "who", who, "what",
			plain, NULL);
	end = dataset.row.not_after_unix_s;
	return emr_team_let_in(bureau, &dataset, &reader,
		until_unix_s != 0 && until_unix_s < end ? until_unix_s : end, out_problem);
}

/* A reader of DATASET as `dataset NAME` lists him: what one types for him, or so much of his code
 * that no other key can have it.  He may have lost his membership since: then nobody is called as
 * he was. */
static emr_status find_in(emr_bureau *bureau, const emr_team *dataset, const char *text,
	emr_id32 *out_root, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	emr_known_person reader;
	emr_row_member row;
	emr_id32 root = {{0}};
	emr_who who;
	size_t n = 0;

	EMR_ASK(asked, bureau->session.replica, MEMBERS, .team = dataset->id);
	EMR_TRY(emr_crowd_open(&bureau->session, &crowd));
	while (emr_next(&asked, &row)) {
		if (row.head.state != EMR_MEMBER_ACTIVE)
			continue;
		EMR_TRY(emr_who_of(&crowd, EMR_ID32_AT(row.member), &who));
		if (!emr_key_code_names(EMR_ID32_AT(row.member), text) &&
			strcasecmp(text, who.called) != 0)
			continue;
		root = EMR_ID32_AT(row.member);
		n++;
	}
	EMR_TRY(asked.status);
	if (n != 1) {
		EMR_TRY(find_reader(bureau, text, &reader, out_problem));
		root = EMR_ID32_AT(reader.row.root);
	}
	*out_root = root;
	return EMR_OK;
}

emr_status emr_dataset_drop(const emr_args *args, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_team dataset;
	emr_id32 root;

	EMR_TRY(find_dataset(bureau, args->operands[1], &dataset, out_problem));
	EMR_TRY(find_in(bureau, &dataset, args->operands[2], &root, out_problem));
	EMR_TRY(emr_team_let_out(bureau, &dataset, root, out_problem));
	return emr_team_renew(bureau, &dataset, 0, NULL, out_problem);
}

/* ---- freeze ---- */

emr_status emr_dataset_freeze(
	const emr_args *args, emr_bureau *bureau, emr_frozen *out, emr_problem *out_problem)
{
	emr_replica *replica = bureau->session.replica;
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_pub_dataset_snapshot what = {.n = 0};
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_replica_position at;
	emr_team dataset;
	emr_act act;

	EMR_TRY(find_dataset(bureau, args->operands[1], &dataset, out_problem));
	EMR_TRY(emr_replica_at(replica, &at));
	EMR_TRY(emr_frozen_look_at(replica, &dataset, at.size, now, &look));
	if (look.n == 0) {
		emr_problem_set(
			out_problem, EMR_SAY_DATASET_EMPTY, "what", args->operands[1], NULL);
		return EMR_NOT_FOUND;
	}
	*out = (emr_frozen){.id = emr_id16_random(),
		.log_size = at.size,
		.n = look.n,
		.root = look.root,
		.time_unix_s = now};
	what.log_size = at.size;
	what.n = look.n;
	memcpy(what.dataset, dataset.id.b, sizeof what.dataset);
	memcpy(what.root, look.root.b, sizeof what.root);
	act = emr_act_snapshot(out->id, &what);
	return emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);
}

/* ---- close ---- */

/* Agents answer members only, closed or not: so all are out first, with the same entry, and no
 * reader seems to be dropped from a dataset that goes on. */
static emr_status close_one(emr_bureau *bureau, emr_id16 id, emr_problem *out_problem)
{
	EMR_AUTO_BUF acts = {0}; /* emr_act */
	emr_act act;
	emr_row_member row;

	EMR_ASK(asked, bureau->session.replica, MEMBERS, .team = id);
	while (emr_next(&asked, &row)) {
		act = emr_act_drop(id, EMR_ID32_AT(row.member));
		if (row.head.state == EMR_MEMBER_ACTIVE)
			EMR_TRY(emr_buf_append(&acts, &act, sizeof act));
	}
	EMR_TRY(asked.status);
	act = emr_act_dataset_close(id);
	EMR_TRY(emr_buf_append(&acts, &act, sizeof act));
	return emr_bureau_send_all(
		bureau, (emr_act *)(void *)acts.data, acts.len / sizeof act, out_problem);
}

/* Former keys first: while one is left the newest stands, so that nobody takes a former one for the
 * present. */
static emr_status close_all(emr_bureau *bureau, const emr_team *dataset, emr_problem *out_problem)
{
	EMR_AUTO_BUF all = {0}; /* emr_id16 */
	emr_team team;

	EMR_ASK(asked, bureau->session.replica, TEAM_KEYS,
		.who = EMR_ID32_AT(dataset->row.steward));
	while (emr_team_next(&asked, &team))
		if (team.row.head.state == EMR_DATASET_OPEN && emr_dataset_is_same(&team, dataset))
			EMR_TRY(emr_buf_append(&all, team.id.b, sizeof team.id));
	EMR_TRY(asked.status);
	EMR_EACH (const emr_id16, id, &all)
		EMR_TRY(close_one(bureau, *id, out_problem));
	return EMR_OK;
}

/* ---- points ---- */

static emr_status own_account(const emr_bureau *bureau, emr_id32 *out)
{
	return emr_replica_account(
		bureau->session.replica, bureau->session.identity.signer_id, out);
}

/* Takes back the points that nobody was paid, where this member is the steward. */
static emr_status take_back(
	emr_bureau *bureau, const emr_team *dataset, size_t *io_n, emr_problem *out_problem)
{
	emr_id32 me, fund = emr_fund_of(dataset->id);
	uint64_t rest = 0;
	emr_act act;

	if (emr_id32_equal(EMR_ID32_AT(dataset->row.steward), emr_session_root(&bureau->session)))
		EMR_TRY(emr_replica_points(bureau->session.replica, fund, &rest));
	if (rest == 0)
		return EMR_OK;
	EMR_TRY(own_account(bureau, &me));
	act = emr_act_transfer(fund, me, rest);
	EMR_TRY(emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem));
	(*io_n)++;
	return EMR_OK;
}

/* Of all of NAME that are closed: now, by a close that was interrupted, or when another had taken
 * its place. */
static emr_status take_all_back(
	emr_bureau *bureau, const char *name, size_t *out_n, emr_problem *out_problem)
{
	EMR_AUTO_BUF closed = {0}; /* emr_team */
	emr_team team;

	*out_n = 0;
	EMR_ASK(asked, bureau->session.replica, TEAMS);
	while (emr_team_next(&asked, &team))
		if (team.row.head.state == EMR_DATASET_CLOSED && team.row.price > 0 &&
			strcmp(team.name, name) == 0)
			EMR_TRY(emr_buf_append(&closed, &team, sizeof team));
	EMR_TRY(asked.status);
	EMR_EACH (const emr_team, one, &closed)
		EMR_TRY(take_back(bureau, one, out_n, out_problem));
	return EMR_OK;
}

/* *OUT_POINTS: what N folders of DATASET are paid. */
static emr_status may_fund(const emr_args *args, emr_out *out, emr_bureau *bureau,
	const emr_team *dataset, uint64_t n, uint64_t *out_points, emr_problem *out_problem)
{
	char has[EMR_TEXT_BYTES], points[EMR_TEXT_BYTES], question[400];
	uint64_t takes = dataset->row.price > UINT64_MAX / n ? UINT64_MAX : n * dataset->row.price;
	uint64_t all;
	emr_id32 me;

	EMR_TRY(own_account(bureau, &me));
	EMR_TRY(emr_replica_points(bureau->session.replica, me, &all));
	emr_number_text(all, has);
	emr_number_text(takes, points);
	if (all / n < dataset->row.price) {
		emr_problem_set(out_problem, EMR_SAY_TOO_FEW_POINTS, "n", points, "m", has, NULL);
		return EMR_DENIED;
	}
	*out_points = takes;
	snprintf(question, sizeof question,
		_("Put %s points by? Whoever joins is paid; what nobody was paid comes back when "
		  "you close it (yes, no)."),
		points);
	return emr_bureau_agree(args, out, question, _("Nothing was put by."), out_problem);
}

emr_status emr_dataset_fund(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_team dataset;
	uint64_t folders = 0, points = 0;
	emr_id32 me;
	emr_act act;

	EMR_TRY(find_dataset(bureau, args->operands[1], &dataset, out_problem));
	if (dataset.row.price == 0 || emr_points_parse(args->operands[2], &folders) != EMR_OK) {
		return emr_wrong_use("dataset",
			dataset.row.price == 0
				? _("Its terms have no price: nobody is paid for joining.")
				: _("fund takes the number of folders that points are put by for."),
			out_problem);
	}
	EMR_TRY(may_fund(args, out, bureau, &dataset, folders, &points, out_problem));
	EMR_TRY(own_account(bureau, &me));
	act = emr_act_transfer(me, emr_fund_of(dataset.id), points);
	return emr_bureau_send(bureau, &act, (emr_bytes){0}, out_problem);
}

/* ---- the end ---- */

emr_status emr_dataset_close(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_team dataset;
	emr_problem none = {0};
	size_t n = 0;
	emr_status status = find_dataset(bureau, args->operands[1], &dataset, &none);

	if (status == EMR_NOT_FOUND) { /* closed before, and not all of it came back */
		EMR_TRY(take_all_back(bureau, args->operands[1], &n, out_problem));
		if (n > 0)
			return EMR_OK;
		status = EMR_NOT_FOUND;
	}
	*out_problem = none;
	if (status == EMR_OK)
		status = emr_bureau_agree(args, out,
			_("Nobody joins or reads it any more, for good; what was worked out before "
			  "stays. Close it (yes, no)?"),
			_("Nothing was closed."), out_problem);
	if (status == EMR_OK)
		status = close_all(bureau, &dataset, out_problem);
	return status == EMR_OK ? take_all_back(bureau, args->operands[1], &n, out_problem)
				: status;
}
