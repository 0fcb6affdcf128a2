/* This file keeps teams in order: it makes a team, lets people in and out, and gives the team a new
 * key when somebody has left, so that this person cannot read later records. */
#include "org/team_care.h"

#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "keyring/letters.h"
#include "replica/follower.h"

#define YEARS_S ((uint64_t)10 * 365 * 86400)
#define ALL_PURPOSES 511u
#define MOMENT_S 60u
#define QUIET_S 120u /* the open folder leaves a verb that runs its time */
#define TENDED_TIMES 4

static uint64_t now_s(void)
{
	return emr_clock_unix_s(emr_clock_system());
}

/* ---- lists, taken before anything is sent ---- */

/* Every open team of this leader (emr_team): of LIKE's name, or (NULL) the present ones of all
 * names.
 */
static emr_status list_teams(const emr_bureau *bureau, const emr_team *like, emr_buf *out)
{
	EMR_ASK(asked, bureau->session.replica, TEAMS_LED,
		.who = emr_session_root(&bureau->session));
	emr_team team;

	while (like != NULL ? emr_team_next(&asked, &team)
			    : emr_team_next_present(&asked, EMR_TEAM_ANY, &team))
		if (like == NULL || (team.kind == like->kind && strcmp(team.name, like->name) == 0))
			EMR_TRY(emr_buf_append(out, &team, sizeof team));
	return asked.status;
}

/* ---- in and out ---- */

/* The letter to WHO with the team's KEY, for ACT, which lets him in. */
static emr_status seal_key(const emr_bureau *bureau, emr_act *act, const emr_known_person *who,
	const emr_grantee_key *key, emr_buf *part)
{
	EMR_AUTO_BUF item = {0};
	bool is_active = false;

	EMR_TRY(emr_replica_person_is_active(bureau->session.replica, who, now_s(), &is_active));
	if (!is_active)
		return EMR_DENIED;
	EMR_TRY(emr_act_item(act, bureau->session.identity.signer_id, now_s(), &item));
	return emr_admit_part_seal(emr_buf_view(&item), who->row.x25519, key, part);
}

static emr_status admit_person(emr_bureau *bureau, emr_id16 team, const emr_known_person *who,
	uint64_t until, const emr_grantee_key *key, emr_problem *p)
{
	emr_act act = emr_act_admit(team, EMR_ID32_AT(who->row.root), until);
	EMR_AUTO_BUF part = {0};

	EMR_TRY(emr_replica_follow(
		bureau->session.replica, bureau->session.identity.signer_id, &act));
	EMR_TRY(seal_key(bureau, &act, who, key, &part));
	return emr_bureau_send_once(bureau, &act, emr_buf_view(&part), EMR_MEMBER_ACTIVE, p);
}

static emr_status drop_person(
	emr_bureau *bureau, emr_id16 team, emr_id32 root, emr_problem *out_problem)
{
	emr_act act = emr_act_drop(team, root);

	return emr_bureau_send_once(bureau, &act, (emr_bytes){0}, EMR_MEMBER_ENDED, out_problem);
}

static emr_status key_of(emr_bureau *bureau, const emr_team *team, emr_grantee_key **out)
{
	const emr_session *own = &bureau->session;
	emr_known_person me;

	EMR_TRY(emr_replica_person(own->replica, own->identity.signer_id, &me));
	return emr_team_key(own->replica, own->keyring, team, EMR_ID32_AT(me.row.root), out);
}

/* Unless he is in, until then; UNTIL 0: as long as his certificate lasts, or longer. */
static emr_status let_into(emr_bureau *bureau, const emr_team *team, const emr_known_person *who,
	uint64_t until, emr_problem *out_problem)
{
	const uint64_t end = until != 0 ? until : who->row.not_after_unix_s;
	emr_grantee_key *key = NULL;
	emr_membership m;
	emr_status status = emr_team_membership(
		bureau->session.replica, team->id, EMR_ID32_AT(who->row.root), &m);

	if (status == EMR_OK && emr_membership_is_on(&m, now_s()) &&
		(m.row.not_after_unix_s == end || (until == 0 && m.row.not_after_unix_s > end)))
		return EMR_OK;
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	status = key_of(bureau, team, &key);
	if (status == EMR_OK)
		status = admit_person(bureau, team->id, who, end, key, out_problem);
	emr_grantee_key_free(key);
	return status;
}

emr_status emr_team_let_in(emr_bureau *bureau, const emr_team *team, const emr_known_person *who,
	uint64_t until_unix_s, emr_problem *out_problem)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(list_teams(bureau, team, &all));
	EMR_EACH (const emr_team, one, &all)
		EMR_TRY(let_into(bureau, one, who, until_unix_s, out_problem));
	return EMR_OK;
}

emr_status emr_team_let_out(
	emr_bureau *bureau, const emr_team *team, emr_id32 root, emr_problem *out_problem)
{
	EMR_AUTO_BUF all = {0};
	bool was_in = false;

	EMR_TRY(list_teams(bureau, team, &all));
	EMR_EACH (const emr_team, one, &all) {
		emr_membership m;
		emr_status status = emr_team_membership(bureau->session.replica, one->id, root, &m);

		if (status == EMR_OK && m.row.head.state == EMR_MEMBER_ACTIVE) {
			status = drop_person(bureau, one->id, root, out_problem);
			was_in = true;
		}
		if (status != EMR_OK && status != EMR_NOT_FOUND)
			return status;
	}
	/* The ledger says so in its own words. */
	return was_in ? EMR_OK : drop_person(bureau, team->id, root, out_problem);
}

/* ---- making one ---- */

/* A team, or a dataset, that is not on the ledger yet. */
typedef struct founding {
	emr_team_kind kind;
	const char *name;
	emr_id16 id, before;
	emr_pub_dataset_new what;
	emr_buf files[2]; /* of a dataset: emr_dataset_text; owned */
	uint8_t pseudonym_key[EMR_PSEUDONYM_KEY_BYTES];
} founding;

static void founding_end(founding *f)
{
	emr_buf_free(&f->files[EMR_DATASET_TERMS]);
	emr_buf_free(&f->files[EMR_DATASET_AGREEMENT]);
	emr_wipe(f->pseudonym_key, sizeof f->pseudonym_key);
}

static emr_status write_terms(founding *f, const uint8_t x25519[32], emr_buf *part)
{
	return f->kind == EMR_TEAM_DATASET ? emr_dataset_terms_make(f->name, x25519, f->before,
						     emr_buf_view(&f->files[EMR_DATASET_TERMS]),
						     emr_buf_view(&f->files[EMR_DATASET_AGREEMENT]),
						     f->pseudonym_key, part, f->what.terms)
					   : emr_team_terms_make(f->kind, f->name, x25519,
						     f->before, part, f->what.terms);
}

static emr_status register_team(
	emr_bureau *bureau, founding *f, const emr_grantee_key *key, emr_act *out, emr_buf *part)
{
	emr_box_key *box = NULL;
	uint8_t x25519[32];
	emr_status status;

	EMR_TRY(emr_grantee_key_box(key, &box));
	emr_box_key_public(box, x25519);
	emr_box_key_free(box);
	emr_grantee_key_public(key, f->what.B);
	status = write_terms(f, x25519, part);
	if (status == EMR_OK)
		status = emr_grantee_key_pop(key, emr_ledger_net_id(bureau->session.ledger),
			bureau->session.identity.signer_id, f->what.pop);
	*out = emr_act_dataset(f->id, &f->what);
	return status;
}

/* The leader keeps the team's KEY as a letter to himself on the ledger, and is no member: what is
 * granted to the team is not his.  So he is in and out again in the entry that makes the team,
 * before anybody can give anything to it. */
static emr_status register_and_keep(
	emr_bureau *bureau, founding *f, const emr_grantee_key *key, emr_problem *out_problem)
{
	enum { MADE, IN, OUT, ACTS };
	EMR_AUTO_BUF terms = {0};
	EMR_AUTO_BUF letter = {0};
	emr_act acts[ACTS];
	emr_bytes parts[ACTS] = {{0}};
	emr_known_person me;
	emr_id32 root;

	EMR_TRY(register_team(bureau, f, key, &acts[MADE], &terms));
	EMR_TRY(emr_replica_person(
		bureau->session.replica, bureau->session.identity.signer_id, &me));
	root = EMR_ID32_AT(me.row.root);
	acts[IN] = emr_act_admit(f->id, root, now_s() + MOMENT_S);
	acts[OUT] = emr_act_drop(f->id, root);
	acts[OUT].version = acts[IN].version + 1;
	EMR_TRY(seal_key(bureau, &acts[IN], &me, key, &letter));
	parts[MADE] = emr_buf_view(&terms);
	parts[IN] = emr_buf_view(&letter);
	return emr_bureau_send_together(bureau, acts, parts, ACTS, out_problem);
}

static emr_status found_team(
	emr_bureau *bureau, founding *f, emr_team *out, emr_problem *out_problem)
{
	emr_grantee_key *key = NULL;
	emr_status status = emr_grantee_key_new(&key);

	f->id = emr_id16_random();
	if (status == EMR_OK)
		status = register_and_keep(bureau, f, key, out_problem);
	emr_grantee_key_free(key);
	return status == EMR_OK ? emr_team_get(bureau->session.replica, f->id, out) : status;
}

static emr_pub_dataset_new terms_of_dataset(const emr_terms *terms)
{
	return (emr_pub_dataset_new){.price = terms->price,
		.purposes = UINT32_C(1) << EMR_DATASET_PURPOSE,
		.not_after_unix_s = terms->until_unix_s};
}

/* The team that takes its place has its terms, and calls people as it did. */
static emr_status inherit_terms(emr_bureau *bureau, const emr_team *before, founding *f)
{
	emr_grantee_key *key = NULL;
	emr_box_key *box = NULL;
	emr_status status = key_of(bureau, before, &key);

	f->what = terms_of_dataset(&before->terms);
	if (status == EMR_OK)
		status = emr_grantee_key_box(key, &box);
	if (status == EMR_OK)
		status =
			emr_pseudonym_key_open(box, before->name, before->sealed, f->pseudonym_key);
	for (emr_dataset_text i = 0; i <= EMR_DATASET_AGREEMENT && status == EMR_OK; i++)
		status = emr_dataset_file(bureau->session.replica, before, i, &f->files[i]);
	emr_box_key_free(box);
	emr_grantee_key_free(key);
	return status;
}

emr_status emr_team_make(emr_bureau *bureau, emr_team_kind kind, const char *name,
	const emr_team *before, emr_team *out, emr_problem *out_problem)
{
	__attribute__((cleanup(founding_end))) founding f = {.kind = kind,
		.name = name,
		.what = {.purposes = ALL_PURPOSES, .not_after_unix_s = now_s() + YEARS_S}};
	if (before != NULL)
		f.before = before->id;
	if (kind == EMR_TEAM_DATASET)
		EMR_TRY(before != NULL ? inherit_terms(bureau, before, &f) : EMR_INVALID);
	return found_team(bureau, &f, out, out_problem);
}

emr_status emr_dataset_make(emr_bureau *bureau, const char *name, emr_bytes file,
	emr_bytes agreement, const emr_terms *terms, emr_team *out, emr_problem *out_problem)
{
	__attribute__((cleanup(founding_end)))
	founding f = {.kind = EMR_TEAM_DATASET, .name = name, .what = terms_of_dataset(terms)};
	emr_id32 random = emr_id32_random();
	emr_status status = emr_buf_append(&f.files[EMR_DATASET_TERMS], file.data, file.len);

	if (status == EMR_OK)
		status = emr_buf_append(
			&f.files[EMR_DATASET_AGREEMENT], agreement.data, agreement.len);

	memcpy(f.pseudonym_key, random.b, sizeof f.pseudonym_key);
	emr_wipe(&random, sizeof random);
	return status == EMR_OK ? found_team(bureau, &f, out, out_problem) : status;
}

/* ---- what the certificates say ---- */

/* Whose key was revoked leaves; who got a certificate that lasts longer stays as long, but for the
 * readers of a dataset, each of whom was admitted until a day. */
static emr_status follow_certificates(
	emr_bureau *bureau, const emr_team *team, emr_problem *out_problem)
{
	EMR_AUTO_BUF members = {0};

	EMR_TRY(EMR_ASK_ALL(&members, bureau->session.replica, MEMBERS, .team = team->id));
	EMR_EACH (const emr_row_member, row, &members) {
		emr_known_person who;

		if (row->head.state != EMR_MEMBER_ACTIVE ||
			memcmp(row->member, team->row.steward, sizeof row->member) == 0)
			continue;
		EMR_TRY(emr_replica_present(
			bureau->session.replica, EMR_ID32_AT(row->member), &who));
		if (who.row.head.state == EMR_KEY_REVOKED)
			EMR_TRY(emr_team_let_out(
				bureau, team, EMR_ID32_AT(row->member), out_problem));
		else if (team->kind != EMR_TEAM_DATASET &&
			 who.row.not_after_unix_s > row->not_after_unix_s)
			EMR_TRY(emr_team_let_in(bureau, team, &who, 0, out_problem));
	}
	return EMR_OK;
}

/* ---- another key ---- */

/* Admits to TO each member of FROM who was never in TO. */
static emr_status bring_over(
	emr_bureau *bureau, const emr_team *from, const emr_team *to, emr_problem *out_problem)
{
	EMR_AUTO_BUF members = {0};

	EMR_TRY(EMR_ASK_ALL(&members, bureau->session.replica, MEMBERS, .team = from->id));
	EMR_EACH (const emr_row_member, row, &members) {
		emr_known_person who;
		emr_membership m;

		if (row->head.state != EMR_MEMBER_ACTIVE || now_s() >= row->not_after_unix_s ||
			emr_team_membership(bureau->session.replica, to->id,
				EMR_ID32_AT(row->member), &m) != EMR_NOT_FOUND)
			continue;
		EMR_TRY(emr_replica_present(
			bureau->session.replica, EMR_ID32_AT(row->member), &who));
		if (who.row.head.state == EMR_KEY_ACTIVE && now_s() < who.row.not_after_unix_s)
			EMR_TRY(let_into(bureau, to, &who,
				to->kind == EMR_TEAM_DATASET ? row->not_after_unix_s : 0,
				out_problem));
	}
	return EMR_OK;
}

/* Whether something is granted to TEAM, or will be. */
static emr_status is_used(const emr_bureau *bureau, const emr_team *team, bool *out_is)
{
	EMR_ASK(asked, bureau->session.replica, GRANTS_TO, .who = team->grantee);
	emr_known_grant grant;

	*out_is = false;
	while (!*out_is && emr_next(&asked, &grant)) {
		emr_grant_phase phase = emr_grant_phase_at(&grant, now_s());

		*out_is = phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	}
	return asked.status;
}

static emr_status close_unused(
	emr_bureau *bureau, const emr_team *present, emr_problem *out_problem)
{
	EMR_AUTO_BUF all = {0};
	bool is = false;

	EMR_TRY(list_teams(bureau, present, &all));
	EMR_EACH (const emr_team, one, &all) {
		emr_act act = emr_act_dataset_close(one->id);

		if (emr_id16_equal(one->id, present->id) ||
			emr_id16_equal(one->id, present->before))
			continue; /* an owner may be giving to the one before at this moment */
		EMR_TRY(is_used(bureau, one, &is));
		if (!is)
			EMR_TRY(emr_bureau_send_once(
				bureau, &act, (emr_bytes){0}, EMR_DATASET_CLOSED, out_problem));
	}
	return EMR_OK;
}

emr_status emr_team_renew(emr_bureau *bureau, const emr_team *team, uint64_t quiet_s,
	emr_team *out_present, emr_problem *out_problem)
{
	emr_replica *replica = bureau->session.replica;
	emr_team present, before;
	bool is_due = false;

	EMR_TRY(emr_team_present(replica, team, &before));
	/* First: whose time ran out and who has a newer certificate is in again, and not lost. */
	EMR_TRY(follow_certificates(bureau, &before, out_problem));
	EMR_TRY(emr_team_has_lost_one(replica, &before, now_s(), quiet_s, &is_due));
	/* A fund is one dataset's own and pays a folder once for it: where there is a price, no
	 * folder could follow to another key, or would be paid again. */
	is_due = is_due && before.row.price == 0;
	present = before;
	if (is_due)
		EMR_TRY(emr_team_make(
			bureau, before.kind, before.name, &before, &present, out_problem));
	else if (!emr_id16_is_zero(present.before)) /* also what an interruption left out */
		EMR_TRY(emr_team_get(replica, present.before, &before));
	if (!emr_id16_equal(before.id, present.id))
		EMR_TRY(bring_over(bureau, &before, &present, out_problem));
	EMR_TRY(close_unused(bureau, &present, out_problem));
	if (out_present != NULL)
		*out_present = present;
	return EMR_OK;
}

/* ---- all of them ---- */

static emr_status list_staff(const emr_bureau *bureau, emr_buf *out)
{
	EMR_ASK(asked, bureau->session.replica, PEOPLE);
	emr_staff_member m;

	while (emr_staff_next(&asked, bureau, &m))
		if (m.is_active && (m.person.row.roles & EMR_ROLES_OF_STAFF) != 0 &&
			!emr_id32_equal(m.person.signer_id, bureau->session.identity.signer_id))
			EMR_TRY(emr_buf_append(out, &m.person, sizeof m.person));
	return asked.status;
}

static emr_status gather_staff(emr_bureau *bureau, bool may_begin, emr_problem *out_problem)
{
	EMR_AUTO_BUF staff = {0}; /* emr_known_person */
	emr_team team;
	emr_status status = list_staff(bureau, &staff);

	if (status == EMR_OK)
		status = emr_team_find(bureau, EMR_TEAM_STAFF, EMR_TEAM_STAFF_NAME, &team);
	if (status == EMR_NOT_FOUND && (!may_begin || staff.len == 0))
		return EMR_OK;
	if (status == EMR_NOT_FOUND)
		status = emr_team_make(
			bureau, EMR_TEAM_STAFF, EMR_TEAM_STAFF_NAME, NULL, &team, out_problem);
	EMR_TRY(status);
	EMR_EACH (const emr_known_person, who, &staff)
		EMR_TRY(emr_team_let_in(bureau, &team, who, 0, out_problem));
	return EMR_OK;
}

/* The same administrator's open folder and a verb of his may do so at the same moment: the one that
 * is refused for what the other has just done looks again. */
emr_status emr_teams_tend(
	emr_bureau *bureau, bool may_begin, uint64_t quiet_s, emr_problem *out_problem)
{
	emr_status status = EMR_REFUSED;

	for (int i = 0; i < TENDED_TIMES && status == EMR_REFUSED; i++) {
		EMR_AUTO_BUF all = {0};

		*out_problem = (emr_problem){.is_set = false};
		status = list_teams(bureau, NULL, &all);
		EMR_EACH (const emr_team, one, &all)
			if (status == EMR_OK)
				status = emr_team_renew(bureau, one, quiet_s, NULL, out_problem);
		if (status == EMR_OK)
			status = gather_staff(bureau, may_begin, out_problem);
	}
	return status;
}

emr_status emr_teams_tend_session(const emr_session *session)
{
	emr_bureau bureau;
	emr_problem problem = {0};
	emr_status status = emr_bureau_of(session, &bureau);

	if (status == EMR_OK)
		status = emr_teams_tend(&bureau, false, QUIET_S, &problem);
	else if (status == EMR_NOT_FOUND)
		status = EMR_OK;
	emr_bureau_let_go(&bureau);
	return status;
}

/* ---- who has just come ---- */
