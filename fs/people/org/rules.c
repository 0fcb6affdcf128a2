/* This file is `emrfs org rules`: it shows the rules of a network, proposes others and approves
 * them. Nobody can agree to a text that cannot be shown. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/hash.h"
#include "org/proposals.h"
#include "replica/rules.h"

#include "org_private.h"

#define SALT_BYTES 32
#define OF_A_HOSPITAL 10000 /* deposits: six CTs of 1,500 slices, of one patient on one day */
#define ID_LETTERS_MIN 4
#define ID_LETTERS_MAX 26

static const char no_rules[] = "# The rules that hold when nothing is agreed on.\n";

/* ---- what is proposed ---- */

typedef struct proposal {
	emr_id16 id;
	emr_row_proposal row;
	char letters[ID_LETTERS_MAX + 1];
	char short_id[EMR_PROPOSAL_ID_BYTES];
	unsigned have;
	bool is_ours;		   /* we have approved it already, and that counts */
	char by[EMR_BESIDE_BYTES]; /* who proposes it, as it is shown */
} proposal;

typedef struct proposals {
	const emr_bureau *bureau;
	emr_row_network network;
	unsigned need;
	emr_buf list; /* proposal */
} proposals;

static void proposals_free(proposals *all)
{
	emr_buf_free(&all->list);
}
#define AUTO_PROPOSALS __attribute__((cleanup(proposals_free))) proposals

/* Empty when it is not here, or another than was voted on. */
static emr_status read_text(const proposals *all, const proposal *p, emr_buf *out)
{
	EMR_AUTO_BUF part = {0};
	emr_bytes text;
	emr_id32 hash;
	emr_status status = emr_bureau_proposal_part(all->bureau, p->id, &part);

	emr_buf_clear(out);
	if (status != EMR_OK || part.len <= SALT_BYTES)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	text = emr_bytes_of(part.data + SALT_BYTES, part.len - SALT_BYTES);
	hash = emr_sha256_of(&text, 1);
	return memcmp(hash.b, p->row.subject, 32) == 0 ? emr_buf_append(out, text.data, text.len)
						       : EMR_OK;
}

/* As few letters as tell them apart. */
static void name_all(const emr_buf *list)
{
	EMR_EACH (proposal, p, list) {
		size_t letters = ID_LETTERS_MIN;

		EMR_EACH (const proposal, other, list)
			while (other != p && letters < ID_LETTERS_MAX &&
				strncmp(p->letters, other->letters, letters) == 0)
				letters++;
		snprintf(p->short_id, sizeof p->short_id, "p-%.*s", (int)letters, p->letters);
	}
}

static emr_status collect_proposals(const emr_bureau *bureau, proposals *out)
{
	emr_known_proposal known;
	emr_known_votes votes;
	char by[256];

	EMR_ASK(asked, bureau->session.replica, PROPOSALS);
	EMR_TRY(emr_replica_network(bureau->session.replica, &out->network));
	out->bureau = bureau;
	out->need = emr_approvals_needed(&out->network);
	while (emr_proposal_next(&asked, bureau->org, 1u << EMR_PROPOSAL_RULES, &known, &votes)) {
		proposal p = {.id = known.proposal,
			.row = known.row,
			.have = votes.have,
			.is_ours = votes.is_ours};

		EMR_TRY(emr_bureau_name(bureau, EMR_ID16_AT(known.row.by.org), by));
		emr_bureau_show(by, p.by);
		emr_base32(p.id.b, sizeof p.id.b, p.letters);
		EMR_TRY(emr_buf_append(&out->list, &p, sizeof p));
	}
	name_all(&out->list);
	return asked.status;
}

/* ---- showing ---- */

static void say_text(emr_out *out, emr_bytes text)
{
	for (size_t at = 0; at < text.len;) {
		const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end != NULL ? (size_t)(end - text.data) - at : text.len - at;

		emr_say(out, "    %.*s\n", (int)len, (const char *)text.data + at);
		at += len + 1;
	}
}

static json_t *text_json(emr_bytes text)
{
	return text.len == 0 ? json_string("") : json_stringn((const char *)text.data, text.len);
}

static const char *how_many(uint8_t quorum, char *out, size_t size)
{
	if (quorum == 0)
		return _("those of most members");
	snprintf(out, size, "%u", quorum);
	return out;
}

/* A text that cannot be read is not shown either: it may drive a terminal. */
static emr_bytes shown_text(const emr_buf *text)
{
	emr_rules ignored;

	return emr_rules_parse(emr_buf_view(text), &ignored, NULL) == EMR_OK ? emr_buf_view(text)
									     : (emr_bytes){0};
}

static json_t *limits_json(const emr_rules *r)
{
	return json_pack("{s:I, s:I, s:I}", "slots_a_day", (json_int_t)r->slots_a_day,
		"deposit_bytes",
		(json_int_t)(r->deposit_bytes > INT64_MAX ? INT64_MAX : r->deposit_bytes),
		"deposits_a_day",
		(json_int_t)(r->deposits_a_day > INT64_MAX ? INT64_MAX : r->deposits_a_day));
}

static emr_status show_proposed(const proposals *all, emr_out *out, json_t *list)
{
	EMR_AUTO_BUF whole = {0};
	char number[8];

	EMR_EACH (const proposal, p, &all->list) {
		emr_bytes text;

		EMR_TRY(read_text(all, p, &whole));
		text = shown_text(&whole);
		if (json_array_append_new(list,
			    json_pack("{s:s, s:o, s:i, s:i, s:i, s:b, s:s}", "id", p->short_id,
				    "text", text_json(text), "quorum", (int)p->row.quorum, "have",
				    (int)p->have, "need", (int)all->need, "ours", (int)p->is_ours,
				    "by", p->by)) != 0)
			return EMR_NO_MEMORY;
		emr_say(out,
			"  Proposed as %s: %u of %u approvals%s%s; approvals needed then: %s\n",
			p->short_id, p->have, all->need,
			p->is_ours ? "" : _(".  Yours is missing: emrfs org rules approve "),
			p->is_ours ? "" : p->short_id,
			how_many(p->row.quorum, number, sizeof number));
		if (text.len == 0)
			emr_say(out,
				_("    a text that cannot be shown, and is not approved here\n"));
		say_text(out, text);
	}
	return EMR_OK;
}

static emr_status show_rules(const proposals *all, emr_out *out, json_t *object)
{
	EMR_AUTO_BUF text = {0};
	emr_rules rules;
	bool is_read = false;
	char number[8], size[EMR_TEXT_BYTES];
	json_auto_t *list = json_array();

	EMR_TRY(emr_rules_in_force(all->bureau->session.replica, &rules, &text, &is_read));
	if (json_object_update_new(object,
		    json_pack("{s:o, s:b, s:o, s:i, s:i, s:O}", "text",
			    text_json(is_read ? emr_buf_view(&text) : (emr_bytes){0}), "read",
			    (int)is_read, "limits", limits_json(&rules), "quorum",
			    (int)all->network.quorum, "need", (int)all->need, "proposals", list)) !=
		0)
		return EMR_NO_MEMORY;
	emr_say(out, "Approvals needed for a change: %s\n",
		how_many(all->network.quorum, number, sizeof number));
	emr_say(out, "Rules in force:%s\n",
		!is_read ? _(" a text that this program cannot read; the usual limits hold here")
		: text.len == 0 ? _(" the usual ones")
				: "");
	if (is_read)
		say_text(out, emr_buf_view(&text));
	emr_limit_text(rules.deposit_bytes, size);
	emr_say(out, "  Keys of one share on one day: %u.  A deposit: at most %s, %llu a day.\n",
		rules.slots_a_day, size, (unsigned long long)rules.deposits_a_day);
	return show_proposed(all, out, list);
}

json_t *emr_rules_show(const emr_bureau *bureau, emr_out *out, emr_status *out_status)
{
	AUTO_PROPOSALS all = {0};
	json_t *object = json_object();

	*out_status = object == NULL ? EMR_NO_MEMORY : collect_proposals(bureau, &all);
	if (*out_status == EMR_OK)
		*out_status = show_rules(&all, out, object);
	return object;
}

/* ---- proposing ---- */

static emr_status read_quorum(
	const emr_args *args, const proposals *all, uint8_t *out, emr_problem *out_problem)
{
	const char *text = args->values[EMR_OPT_QUORUM];
	char what[160], *end;
	unsigned long n;

	*out = all->network.quorum;
	if (text == NULL)
		return EMR_OK;
	n = strtoul(text, &end, 10);
	if (strcmp(text, "majority") == 0) {
		n = 0;
	} else if (text[0] < '1' || text[0] > '9' || *end != '\0' || n > all->network.norg) {
		snprintf(what, sizeof what,
			_("--quorum takes a number from 1 to %u, which is how many members there "
			  "are, or majority."),
			all->network.norg);
		return emr_wrong_use("org", what, out_problem);
	}
	*out = (uint8_t)n;
	return EMR_OK;
}

/* FILE, or else what is in force, and what a hospital needs with it. */
static emr_status read_wanted(const emr_bureau *bureau, const char *file, bool is_for_hospital,
	emr_buf *out, emr_problem *out_problem)
{
	EMR_AUTO_BUF more = {0};
	emr_rules rules;
	bool is_read = false;
	unsigned line = 0;
	char what[EMR_TEXT_BYTES + 4200];
	emr_status status =
		file != NULL ? emr_file_read(AT_FDCWD, file, EMR_RULES_TEXT_MAX, out)
			     : emr_rules_in_force(bureau->session.replica, &rules, out, &is_read);

	if (file != NULL && status != EMR_OK) {
		snprintf(what, sizeof what, _("%.4000s cannot be read: %s."), file,
			emr_status_text(status));
		return emr_wrong_use("org", what, out_problem);
	}
	if (status == EMR_OK && file == NULL && !is_read)
		return emr_wrong_use("org",
			_("The rules in force cannot be read here; give a file with the new ones."),
			out_problem);
	if (status == EMR_OK && is_for_hospital && rules.deposits_a_day < OF_A_HOSPITAL) {
		EMR_TRY(emr_rules_set(emr_buf_view(out), "deposits-a-day", OF_A_HOSPITAL, &more));
		emr_buf_clear(out);
		status = emr_buf_append(out, more.data, more.len);
	}
	if (status == EMR_OK && out->len == 0)
		status = emr_buf_append(out, no_rules, sizeof no_rules - 1);
	if (status != EMR_OK)
		return status;
	status = emr_rules_parse(emr_buf_view(out), &rules, &line);
	/* Members must not rely on a rule that no program keeps. */
	if (status == EMR_OK && (file == NULL || rules.unknown_line == 0))
		return EMR_OK;
	snprintf(what, sizeof what,
		status == EMR_OK
			? _("%.4000s, line %u: no program enforces a rule of that name. The names "
			    "are copies, copies-before-register, slots-a-day, deposit-bytes and "
			    "deposits-a-day.")
			: _("%.4000s, line %u: rules are lines \"name = value\", each name once, "
			    "with numbers for the names that are known."),
		file != NULL ? file : "-", status == EMR_OK ? rules.unknown_line : line);
	return emr_wrong_use("org", what, out_problem);
}

static emr_status propose_rules(emr_bureau *bureau, const emr_buf *text, uint8_t quorum,
	proposal *out, emr_problem *out_problem)
{
	EMR_AUTO_BUF part = {0};
	emr_bytes bytes = emr_buf_view(text);
	emr_id32 salt = emr_id32_random(), hash = emr_sha256_of(&bytes, 1);
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_RULES, .quorum = quorum};

	EMR_TRY(emr_buf_append(&part, salt.b, sizeof salt.b));
	EMR_TRY(emr_buf_append(&part, text->data, text->len));
	memcpy(what.subject, hash.b, 32);
	EMR_TRY(emr_proposal_make(bureau, what, emr_buf_view(&part), &out->id, out_problem));
	emr_base32(out->id.b, sizeof out->id.b, out->letters);
	snprintf(out->short_id, sizeof out->short_id, "p-%.*s", ID_LETTERS_MIN, out->letters);
	return EMR_OK;
}

/* ---- approving ---- */

static emr_status approve_rules(emr_bureau *bureau, const proposals *all, const proposal *p,
	emr_out *out, emr_problem *out_problem)
{
	emr_known_votes votes;

	if (!p->is_ours)
		EMR_TRY(emr_proposal_approve(bureau, p->id, out_problem));
	/* Others may have come, gone or approved meanwhile. */
	EMR_TRY(emr_replica_votes(bureau->session.replica, p->id, bureau->org, &votes));
	emr_out_text(out, "id", p->short_id);
	emr_out_number(out, "have", votes.have);
	emr_out_number(out, "need", all->need);
	emr_out_flag(out, "done", votes.is_done);
	if (votes.is_done)
		emr_say(out, "These rules are in force now.\n");
	else
		emr_say(out,
			"%u of %u members have approved these rules.  The others: emrfs org rules "
			"approve %s\n",
			votes.have, all->need, p->short_id);
	return EMR_OK;
}

/* Behind a text that may be long: what would hold instead of what.  A line may be far up, or look
 * like one that this program knows. */
static emr_status say_changes(const proposals *all, emr_out *out, emr_bytes text)
{
	EMR_AUTO_BUF old_text = {0};
	emr_rules old, new;
	bool is_read;
	size_t n = 0;
	emr_status status =
		emr_rules_in_force(all->bureau->session.replica, &old, &old_text, &is_read);

	if (status == EMR_OK)
		status = emr_rules_parse(text, &new, NULL);
	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < EMR_RULES_KNOWN; i++) {
		char before[EMR_TEXT_BYTES], after[EMR_TEXT_BYTES];
		uint64_t from = emr_rules_value(&old, i), to = emr_rules_value(&new, i);

		if (from == to)
			continue;
		emr_number_text(to, after);
		emr_number_text(from, before);
		emr_say(out, _("  %s: %s instead of %s\n"), emr_rules_name(i), after, before);
		n++;
	}
	emr_say(out, n > 0 ? _("Above stands all that changes for this program.\n")
			   : _("For this program these rules change nothing.\n"));
	return EMR_OK;
}

/* BY: who proposes it; "" we do. */
static emr_status agree_to_rules(const emr_args *args, emr_out *out, const proposals *all,
	emr_bytes text, uint8_t quorum, const char *by, emr_problem *out_problem)
{
	char number[8], now[8];

	if (by[0] != '\0')
		emr_say(out, _("%s proposes these rules.\n"), by);
	emr_say(out, _("The rules:\n"));
	say_text(out, text);
	emr_say(out, _("Approvals needed for a change from then on: %s (now: %s)\n"),
		how_many(quorum, number, sizeof number),
		how_many(all->network.quorum, now, sizeof now));
	EMR_TRY(say_changes(all, out, text));
	return emr_bureau_agree(args, out, _("Shall these be the rules of the network (yes, no)?"),
		_("Nothing was agreed to."), out_problem);
}

static emr_status run_propose(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	AUTO_PROPOSALS all = {0};
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF theirs = {0};
	proposal fresh = {0};
	uint8_t quorum = 0;

	EMR_TRY(collect_proposals(bureau, &all));
	EMR_TRY(read_quorum(args, &all, &quorum, out_problem));
	EMR_TRY(read_wanted(bureau, args->n_operands == 2 ? args->operands[1] : NULL,
		args->given[EMR_OPT_ROLE], &text, out_problem));
	EMR_TRY(agree_to_rules(args, out, &all, emr_buf_view(&text), quorum, "", out_problem));
	/* The same text and quorum that somebody has proposed is approved, not proposed once more.
	 */
	EMR_EACH (const proposal, p, &all.list) {
		EMR_TRY(read_text(&all, p, &theirs));
		if (p->row.quorum == quorum &&
			emr_bytes_equal(emr_buf_view(&theirs), emr_buf_view(&text)))
			return approve_rules(bureau, &all, p, out, out_problem);
	}
	EMR_TRY(propose_rules(bureau, &text, quorum, &fresh, out_problem));
	return approve_rules(bureau, &all, &fresh, out, out_problem);
}

static emr_status run_approve(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	AUTO_PROPOSALS all = {0};
	EMR_AUTO_BUF text = {0};
	const char *id = args->operands[2], *letters = strncasecmp(id, "p-", 2) == 0 ? id + 2 : id;
	const proposal *found = NULL;
	unsigned n = 0;

	EMR_TRY(collect_proposals(bureau, &all));
	EMR_EACH (const proposal, p, &all.list)
		if (strlen(letters) >= ID_LETTERS_MIN &&
			strncasecmp(p->letters, letters, strlen(letters)) == 0) {
			found = p;
			n++;
		}
	if (n == 1)
		EMR_TRY(read_text(&all, found, &text));
	if (n != 1 || shown_text(&text).len == 0) { /* it cannot be agreed to */
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_PROPOSAL, "what", id, NULL);
		return EMR_NOT_FOUND;
	}
	if (!found->is_ours)
		EMR_TRY(agree_to_rules(args, out, &all, emr_buf_view(&text), found->row.quorum,
			found->by, out_problem));
	return approve_rules(bureau, &all, found, out, out_problem);
}

/* ---- the verb ---- */

emr_status org_show_rules(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem)
{
	emr_status status;
	json_t *object = emr_rules_show(bureau, out, &status), *value;
	const char *name;

	(void)args;
	(void)out_problem;
	json_object_foreach(object, name, value) emr_out_put(out, name, json_incref(value));
	json_decref(object);
	return status;
}

int emr_org_rules(const emr_args *args, emr_out *out)
{
	EMR_AUTO_BUREAU bureau = EMR_BUREAU_CLOSED;
	emr_problem problem = {0};
	bool is_approval = args->n_operands == 3 && strcmp(args->operands[1], "approve") == 0;
	const char *role = args->values[EMR_OPT_ROLE];
	bool is_wrong_role =
		role != NULL && (args->n_operands != 1 || strcmp(role, "hospital") != 0);
	emr_status status =
		is_wrong_role || (args->n_operands == 3 && !is_approval)
			? emr_wrong_use("org",
				  _("org rules takes [FILE | --role hospital] [--quorum N] or "
				    "approve ID."),
				  &problem)
			: emr_bureau_open(args, &bureau, &problem);

	if (status == EMR_OK && is_approval)
		status = run_approve(args, out, &bureau, &problem);
	else if (status == EMR_OK &&
		 (args->n_operands == 2 || role != NULL || args->values[EMR_OPT_QUORUM] != NULL))
		status = run_propose(args, out, &bureau, &problem);
	else if (status == EMR_OK)
		status = org_show_rules(args, out, &bureau, &problem);
	return emr_bureau_end(out, status, &problem);
}
