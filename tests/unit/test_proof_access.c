/* These tests are about proofs of accesses: those of a small world with three agents are sound,
 * and each thing that can be wrong is named by emrfs and by examples/verify-audit, which share
 * no code, with the same word. */
#include <sys/wait.h>

#include "contract/codes.h"
#include "keyring/grant.h"
#include "ledger/checkpoint.h"
#include "proof/make.h"
#include "share/signed.h"
#include "lies_kit.h"
#include "pen_kit.h"
#include "story_kit.h"

static story s;
static char path[96];

/* ---- asking both ---- */

static void audit_says(char out[32])
{
	char line[600];
	FILE *pipe;
	int code;

	pipe = popen(printed("'%s' '%s'", EMR_VERIFY_AUDIT, path), "r");
	assert_non_null(pipe);
	out[0] = '\0';
	while (fgets(line, sizeof line, pipe) != NULL)
		if (strncmp(line, "FAILED ", 7) == 0)
			snprintf(out, 32, "%.*s", (int)strcspn(line + 7, ":"), line + 7);
	code = pclose(pipe);
	assert_true(WIFEXITED(code));
	assert_int_equal(WEXITSTATUS(code), out[0] == '\0' ? 0 : 1);
}

/* In anything that it says of the file at PATH. */
static bool audit_names(const char *word)
{
	char line[600];
	bool is_there = false;
	FILE *pipe;

	pipe = popen(printed("'%s' '%s'", EMR_VERIFY_AUDIT, path), "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof line, pipe) != NULL)
		is_there |= strstr(line, word) != NULL;
	assert_int_equal(pclose(pipe), 0);
	return is_there;
}

static void both_say(emr_bytes file, const char *wanted)
{
	FILE *to = fopen(path, "wb");
	emr_proof_verdict verdict;
	char audit[32];

	assert_non_null(to);
	assert_int_equal(fwrite(file.data, 1, file.len, to), file.len);
	assert_int_equal(fclose(to), 0);
	assert_ok(emr_proof_check(file, -1, NULL, &verdict));
	audit_says(audit);
	assert_string_equal(emr_proof_step_text(verdict.step), wanted);
	assert_string_equal(audit, wanted);
}

/* Any word; the other program is asked about each fifth. */
static void is_refused(emr_bytes file)
{
	static unsigned turn;
	emr_proof_verdict verdict;

	assert_ok(emr_proof_check(file, -1, NULL, &verdict));
	assert_int_not_equal(verdict.step, EMR_PROOF_SOUND);
	if (turn++ % 5 == 0)
		both_say(file, emr_proof_step_text(verdict.step));
}

/* ---- accesses ---- */

static uint64_t last_seq;

static emr_status note_release(void *arg, const emr_known_release *release)
{
	(void)arg;
	if (release->seq > last_seq)
		last_seq = release->seq;
	return EMR_OK;
}

/* The newest question about Imaging. */
static uint64_t last_question(void)
{
	last_seq = 0;
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_releases(s.k.stack.replica, s.imaging, note_release, NULL));
	assert_true(last_seq > 0);
	return last_seq;
}

static uint64_t reads(person *who, emr_id16 grant, story_fn answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};

	assert_ok(story_read(&s, who, grant, "MRI.pdf", answer, &bytes, &trouble));
	return last_question();
}

static uint64_t size_of_the_ledger(void)
{
	emr_replica_position at;

	assert_ok(emr_replica_at(s.k.stack.replica, &at));
	return at.size;
}

static emr_proof_sources sources_of(emr_keyring *keyring, emr_ledger *ledger, emr_replica *replica)
{
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	return (emr_proof_sources){.keyring = keyring,
		.ledger = ledger,
		.replica = replica,
		.now_unix_s = story_now(&s)};
}

static void make(uint64_t seq, emr_buf *out)
{
	const emr_proof_sources from =
		sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);

	assert_ok(emr_proof_make_access(&from, seq, out));
}

static void check(const emr_buf *file, emr_proof_verdict *out)
{
	assert_ok(emr_proof_check(emr_buf_view(file), -1, NULL, out));
	assert_string_equal(emr_proof_step_text(out->step), "");
	both_say(emr_buf_view(file), "");
}

/* ---- changing a file ---- */

typedef struct opened_file {
	emr_buf file;
	emr_proof proof;
} opened_file;

static void open_file(const emr_buf *file, opened_file *out)
{
	*out = (opened_file){.proof = {.index = 0}};
	assert_ok(emr_buf_append(&out->file, file->data, file->len));
	assert_ok(emr_proof_parse(emr_buf_view(&out->file), &out->proof));
}

static void close_file(opened_file *f)
{
	emr_proof_free(&f->proof);
	emr_buf_free(&f->file);
}

static void says(const opened_file *f, const char *wanted)
{
	EMR_AUTO_BUF file = {0};

	assert_ok(emr_proof_format(&f->proof, &file));
	if (wanted == NULL)
		is_refused(emr_buf_view(&file));
	else
		both_say(emr_buf_view(&file), wanted);
}

static size_t place_of(const emr_proof *p, emr_proof_type type, size_t n)
{
	for (size_t i = 0; i < p->n_parts; i++)
		if (p->parts[i].type == type && n-- == 0)
			return i;
	fail_msg("no part of type %d", type);
	return 0;
}

static void remove_part(emr_proof *p, emr_proof_type type, size_t n)
{
	size_t at = place_of(p, type, n);

	memmove(&p->parts[at], &p->parts[at + 1], (p->n_parts - at - 1) * sizeof p->parts[0]);
	p->n_parts--;
}

static void remove_all(emr_proof *p, emr_proof_type type)
{
	while (emr_proof_part_of(p, type, 0).data != NULL)
		remove_part(p, type, 0);
}

/* One more of the same, behind it. */
static void repeat_part(emr_proof *p, emr_proof_type type)
{
	size_t at = place_of(p, type, 0);

	memmove(&p->parts[at + 1], &p->parts[at], (p->n_parts - at) * sizeof p->parts[0]);
	p->n_parts++;
}

static int begin(void **state), end(void **state);

/* ---- good ones ---- */

TEST_IN(begin, end, a_proof_shows_who_asked_under_what_and_who_gave)
{
	EMR_AUTO_BUF file = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_proof_verdict v;

	make(reads(&s.lima, made.grant, all_agents), &file);
	check(&file, &v);
	assert_int_equal(v.kind, EMR_PROOF_OF_ACCESS);
	assert_string_equal(v.signer, "lima.clinic");
	assert_string_equal(v.organisation, "org0");
	assert_true(emr_id16_equal(v.domain, s.imaging));
	assert_true(emr_id16_equal(v.grant, made.grant));
	assert_true(v.is_readable && !v.is_software);
	assert_int_equal(v.purpose, CONSULT);
	assert_int_equal(v.asked, v.n_slots);
	assert_int_equal(v.needed, 2);
	assert_true(v.agents_shown);
	assert_true(v.n_releasers >= 2);
	for (size_t i = 0; i < v.n_releasers; i++)
		assert_true(!v.releasers[i].is_owner &&
			    memcmp(v.releasers[i].name, "agent", 5) == 0 &&
			    memcmp(v.releasers[i].organisation, "org", 3) == 0);
	assert_string_not_equal(v.owner, "");
}

TEST_IN(begin, end, the_owners_own_answer_is_proved_too)
{
	EMR_AUTO_BUF file = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, false);
	emr_proof_verdict v;

	make(reads(&s.lima, made.grant, owner_answers), &file);
	check(&file, &v);
	assert_int_equal(v.needed, 0);
	assert_int_equal(v.n_releasers, 1);
	assert_true(v.releasers[0].is_owner);
	assert_string_equal(v.releasers[0].name, v.owner);
}

TEST_IN(begin, end, who_cannot_open_the_question_proves_that_it_was_asked)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF seen = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_proof_sources from;
	emr_proof_verdict v;
	uint64_t seq;

	story_auditor(&s);
	seq = reads(&s.lima, made.grant, all_agents);
	from = sources_of(s.lima.keyring, s.lima.ledger, s.lima.replica);
	assert_ok(emr_proof_make_access(&from, seq, &file)); /* the reader herself */
	check(&file, &v);
	assert_false(v.is_readable);
	assert_string_equal(v.owner, "");
	assert_true(v.n_releasers >= 2);
	from = sources_of(s.auditor.keyring, s.auditor.ledger, s.auditor.replica);
	assert_ok(emr_proof_make_access(&from, seq, &seen));
	check(&seen, &v);
	assert_true(v.is_readable);
	assert_string_equal(v.owner, "");
}

static void nobody(story *of)
{
	of->k.clock.boot_ns += INT64_C(20000000000);
}

TEST_IN(begin, end, what_nobody_released_or_asked_has_no_proof)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_proof_sources from;
	uint64_t seq;

	assert_int_not_equal(
		EMR_OK, story_read(&s, &s.lima, made.grant, "MRI.pdf", nobody, &bytes, &trouble));
	seq = last_question();
	from = sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);
	assert_status(EMR_REFUSED, emr_proof_make_access(&from, seq, &file));
	seq = reads(&s.lima, made.grant, all_agents);
	from = sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);
	assert_status(EMR_NOT_FOUND, emr_proof_make_access(&from, 1, &file));
	assert_status(EMR_NOT_FOUND, emr_proof_make_access(&from, seq + 100, &file));
	assert_int_equal(file.len, 0);
}

/* A computer that hands out what it did not check, and calls its own what does not fit. */
static bool is_unchecked;

WRAPPED(emr_status, emr_signed_judge, emr_replica *replica, const emr_signed_place *place,
	const emr_bundle *bundle, emr_signed *out_signed)
{
	emr_status status = __real_emr_signed_judge(replica, place, bundle, out_signed);

	if (status == EMR_OK && is_unchecked)
		out_signed->standing = EMR_SIGNED_SELF;
	return status;
}

WRAPPED(emr_status, emr_proof_check, emr_bytes file, int copy_fd, const emr_id16 *net,
	emr_proof_verdict *out)
{
	if (!is_unchecked)
		return __real_emr_proof_check(file, copy_fd, net, out);
	*out = (emr_proof_verdict){.step = EMR_PROOF_SOUND};
	return EMR_OK;
}

/* ---- an organisation under another name ---- */

static const emr_id16
	*carried; /* what a hostile program takes for the one proposal that was carried */

typedef struct pretending {
	emr_replica_proposal_fn fn;
	void *arg;
} pretending;

static emr_status pretend(void *arg, emr_id16 proposal, const emr_row_proposal *row)
{
	const pretending *p = arg;
	emr_row_proposal as = *row;

	if (emr_id16_equal(proposal, *carried))
		as.head.state = EMR_PROPOSAL_DONE;
	else if (memcmp(row->org, s.bosses[0].org.b, sizeof row->org) == 0)
		return EMR_OK;
	return p->fn(p->arg, proposal, &as);
}

WRAPPED(emr_status, emr_replica_proposals, emr_replica *replica, emr_replica_proposal_fn fn,
	void *arg)
{
	pretending p = {.fn = fn, .arg = arg};

	return carried == NULL ? __real_emr_replica_proposals(replica, fn, arg)
			       : __real_emr_replica_proposals(replica, pretend, &p);
}

/* BOSS, who runs the clinic, proposes it again, with the CA that it has, and approves that alone.
 */
static emr_id16 renames_the_clinic(person *boss, const char *name)
{
	const person *clinic = &s.bosses[0];
	emr_id16 proposal = emr_id16_random();
	EMR_AUTO_BUF part = {0};
	emr_pub_org_propose what = emr_proposal_admit(clinic->org, clinic->public.signer_id,
		emr_buf_view(&clinic->ca), story_now(&s) + 9 * DAY);

	assert_ok(emr_proposal_admit_part(name, "", emr_buf_view(&clinic->ca), &part));
	assert_int_equal(
		story_says(&s, boss, emr_act_propose(proposal, &what), emr_buf_view(&part)),
		EMR_RESULT_APPLIED);
	story_does(&s, boss, emr_act_approve_proposal(proposal, boss->org));
	return proposal;
}

static bool has_part(const emr_proof *p, emr_proof_type type, emr_bytes part)
{
	for (size_t i = 0; emr_proof_part_of(p, type, i).data != NULL; i++)
		if (emr_bytes_equal(emr_proof_part_of(p, type, i), part))
			return true;
	return false;
}

/* The one part of TYPE that only OTHER has, before those of its type. */
static void put_before(emr_proof *p, const emr_proof *other, emr_proof_type type)
{
	emr_bytes part;
	size_t i = 0;

	while ((part = emr_proof_part_of(other, type, i)).data != NULL && has_part(p, type, part))
		i++;
	assert_non_null(part.data);
	repeat_part(p, type);
	p->parts[place_of(p, type, 0)].bytes = part;
}

TEST_IN(begin, end, one_approval_gives_nobody_another_name)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF forged = {0};
	EMR_AUTO_BUF changed = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_id16 proposal;
	AUTO(close_file) opened_file f, other;
	emr_proof_verdict v;
	uint64_t seq;

	seq = reads(&s.lima, made.grant, all_agents);
	proposal = renames_the_clinic(&s.bosses[0], "Charite");
	make(seq, &file);
	carried = &proposal;
	is_unchecked = true;
	make(seq, &forged);
	is_unchecked = false;
	carried = NULL;
	both_say(emr_buf_view(&forged), "certificate"); /* lima's is older than that admission */
	open_file(&file, &f);
	open_file(&forged, &other);
	put_before(&f.proof, &other.proof, EMR_PROOF_ADMISSION);
	put_before(&f.proof, &other.proof, EMR_PROOF_APPROVAL);
	assert_ok(emr_proof_format(&f.proof, &changed));
	check(&changed, &v);
	assert_string_equal(v.organisation, "org0");
	assert_false(audit_names("Charite"));
}

/* ---- an organisation that approved twice ---- */

static bool says_it_again; /* the ledger has each approval once more, from before */

typedef struct repeating {
	emr_replica_listing_fn fn;
	void *arg;
} repeating;

static emr_status give_again(void *arg, const emr_replica_listing *line)
{
	const repeating *r = arg;
	emr_status status = r->fn(r->arg, line);

	return status == EMR_OK && line->family == EMR_FAMILY_APPROVAL ? r->fn(r->arg, line)
								       : status;
}

WRAPPED(emr_status, emr_replica_recent, emr_replica *replica, const emr_id16 *domain,
	const emr_id16 *object, size_t limit, emr_replica_listing_fn fn, void *arg)
{
	repeating r = {.fn = fn, .arg = arg};

	return says_it_again
		       ? __real_emr_replica_recent(replica, domain, object, limit, give_again, &r)
		       : __real_emr_replica_recent(replica, domain, object, limit, fn, arg);
}

/* An approval that counted no more was said again: a proof has what counted in the end. */
TEST_IN(begin, end, a_proof_has_each_organisation_s_approval_once)
{
	EMR_AUTO_BUF file = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	opened_file f;
	emr_proof_verdict v;
	uint64_t seq;

	seq = reads(&s.lima, made.grant, all_agents);
	says_it_again = true;
	make(seq, &file);
	says_it_again = false;
	open_file(&file, &f);
	assert_non_null(emr_proof_part_of(&f.proof, EMR_PROOF_APPROVAL, 0).data);
	close_file(&f);
	check(&file, &v);
}

/* ---- an agent of another's ---- */

static const emr_id32 *smuggled; /* in the place of the grant's second agent, while a hostile
				    program makes its file */

WRAPPED(emr_status, emr_grant_part_read, emr_bytes grant_item, emr_bytes part, emr_grant_part *out)
{
	emr_status status = __real_emr_grant_part_read(grant_item, part, out);

	if (status == EMR_OK && smuggled != NULL)
		out->agents[1] = *smuggled;
	return status;
}

static emr_known_release newest;

static emr_status note_newest(void *arg, const emr_known_release *release)
{
	(void)arg;
	if (release->seq >= newest.seq)
		newest = *release;
	return EMR_OK;
}

static void only_the_first(story *of)
{
	story_agents(of, 1);
	of->k.clock.boot_ns += INT64_C(20000000000);
}

/* The file with the grant's private part left out, as an earlier program made it. */
static void leave_out_agents(opened_file *f, emr_buf *grant)
{
	size_t at = place_of(&f->proof, EMR_PROOF_GRANT, 0);
	EMR_AUTO_PROOF inner = {.index = 0};

	assert_ok(emr_proof_parse(f->proof.parts[at].bytes, &inner));
	assert_true(inner.priv.len > 0);
	inner.priv = (emr_bytes){0};
	assert_ok(emr_proof_format(&inner, grant));
	f->proof.parts[at].bytes = emr_buf_view(grant);
}

/* One of the grant's two agents answered, and a third, to whom nobody gave anything, says on the
 * ledger that it did. */
TEST_IN(begin, end, an_agent_that_the_grant_does_not_name_gives_nothing)
{
	const emr_id32 agents[2] = {s.agents[0].public.signer_id, s.agents[1].public.signer_id};
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = agents,
		.agents_count = 2,
		.threshold = 2};
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF changed = {0};
	EMR_AUTO_BUF grant = {0};
	emr_share_trouble trouble = {0};
	emr_proof_sources from;
	emr_grant_made made;
	emr_proof_verdict v;
	uint8_t part[32 + 128 + 512] = {1};
	AUTO(close_file) opened_file f;

	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	assert_int_not_equal(
		story_read(&s, &s.lima, made.grant, "MRI.pdf", only_the_first, &bytes, &trouble),
		EMR_OK);
	(void)last_question();
	newest = (emr_known_release){.seq = 0};
	assert_ok(emr_replica_releases(s.k.stack.replica, s.imaging, note_newest, NULL));
	assert_int_equal(EMR_RESULT_APPLIED,
		story_says(&s, &s.agents[2],
			emr_act_served(s.imaging, s.agents[2].public.signer_id, newest.req,
				newest.access, EMR_SERVED_FRAGMENTS, newest.asked, 0),
			emr_bytes_of(part, sizeof part)));
	from = sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);
	assert_status(EMR_REFUSED,
		emr_proof_make_access(&from, newest.seq, &file)); /* an honest program makes none */
	smuggled = &s.agents[2].public.signer_id;
	assert_ok(emr_proof_make_access(&from, newest.seq, &file));
	smuggled = NULL;
	both_say(emr_buf_view(&file), "release");
	/* A proof that leaves out agents of the grant proves less, and both say so. */
	open_file(&file, &f);
	leave_out_agents(&f, &grant);
	assert_ok(emr_proof_format(&f.proof, &changed));
	check(&changed, &v);
	assert_false(v.agents_shown);
}

static void only_the_second(story *of)
{
	story_agents(of, 2);
	of->k.clock.boot_ns += INT64_C(20000000000);
}

/* One of the grant's two agents answered, and a colleague of who asked says on the ledger that it
 * did, too; whom the grant names is left out. */
TEST_IN(begin, end, an_agent_of_the_askers_organisation_counts_by_the_grants_word_alone)
{
	const emr_id32 agents[2] = {s.agents[1].public.signer_id, s.agents[2].public.signer_id};
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = agents,
		.agents_count = 2,
		.threshold = 2};
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF changed = {0};
	EMR_AUTO_BUF grant = {0};
	emr_share_trouble trouble = {0};
	emr_proof_sources from;
	emr_grant_made made;
	uint8_t part[32 + 128 + 512] = {2};
	opened_file f;
	person nina;

	story_newcomer(&s, &nina, &s.bosses[1], EMR_ROLE_CLINICIAN, "nina");
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(story_try_share(&s, &nina, &order, true, &made));
	story_see(&nina);
	assert_ok(emr_share_keep_received(nina.share, true));
	assert_int_not_equal(
		story_read(&s, &nina, made.grant, "MRI.pdf", only_the_second, &bytes, &trouble),
		EMR_OK);
	(void)last_question();
	newest = (emr_known_release){.seq = 0};
	assert_ok(emr_replica_releases(s.k.stack.replica, s.imaging, note_newest, NULL));
	assert_int_equal(EMR_RESULT_APPLIED,
		story_says(&s, &s.agents[0],
			emr_act_served(s.imaging, s.agents[0].public.signer_id, newest.req,
				newest.access, EMR_SERVED_FRAGMENTS, newest.asked, 0),
			emr_bytes_of(part, sizeof part)));
	from = sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);
	smuggled = &s.agents[0].public.signer_id;
	assert_status(EMR_BAD_SIGNATURE, /* a program that looks at what it made */
		emr_proof_make_access(&from, newest.seq, &file));
	is_unchecked = true;
	assert_ok(emr_proof_make_access(&from, newest.seq, &file));
	is_unchecked = false;
	smuggled = NULL;
	open_file(&file, &f);
	leave_out_agents(&f, &grant);
	assert_ok(emr_proof_format(&f.proof, &changed));
	both_say(emr_buf_view(&changed), "release");
	close_file(&f);
	story_part(&nina);
}

/* ---- with something left out, doubled, or of another access ---- */

typedef struct change {
	const char *wanted;
	emr_proof_type type;
	enum { WITHOUT, WITHOUT_ONE, TWICE } how;
} change;

TEST_IN(begin, end, what_is_left_out_or_doubled_is_named)
{
	static const change changes[] = {{"format", EMR_PROOF_GRANT, WITHOUT},
		{"format", EMR_PROOF_ANSWER, WITHOUT}, {"release", EMR_PROOF_ANSWER, WITHOUT_ONE},
		{"release", EMR_PROOF_ANSWER, TWICE}, {"format", EMR_PROOF_QUESTION_KEY, WITHOUT},
		{"format", EMR_PROOF_DESCRIPTOR, WITHOUT}, {"format", EMR_PROOF_CHAIN, WITHOUT},
		{"certificate", EMR_PROOF_CHAIN, WITHOUT_ONE}, {"format", EMR_PROOF_KEY, WITHOUT},
		{"key", EMR_PROOF_KEY, TWICE}, {"admission", EMR_PROOF_APPROVAL, WITHOUT},
		{"admission", EMR_PROOF_APPROVAL, TWICE},
		{"admission", EMR_PROOF_ADMISSION, WITHOUT},
		{"certificate", EMR_PROOF_ADMISSION, WITHOUT_ONE}, {"", EMR_PROOF_CARD, WITHOUT},
		{"format", EMR_PROOF_CARD, TWICE}, {"", EMR_PROOF_CHAIN, TWICE}};
	EMR_AUTO_BUF file = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	opened_file f;

	(void)reads(&s.lima, made.grant, all_agents);
	make(last_question(), &file);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		open_file(&file, &f);
		while (changes[i].type == EMR_PROOF_ANSWER &&
			emr_proof_part_of(&f.proof, EMR_PROOF_ANSWER, 2).data != NULL)
			remove_part(
				&f.proof, EMR_PROOF_ANSWER, 2); /* two are needed, two are left */
		if (changes[i].how == WITHOUT)
			remove_all(&f.proof, changes[i].type);
		else if (changes[i].how == WITHOUT_ONE)
			remove_part(&f.proof, changes[i].type, 0);
		else
			repeat_part(&f.proof, changes[i].type);
		says(&f, changes[i].wanted);
		close_file(&f);
	}
}

/* The part of type TYPE of another sound file, made under the same head. */
static void put_of(
	opened_file *f, const opened_file *other, emr_proof_type type, const char *wanted)
{
	size_t at = place_of(&f->proof, type, 0);
	emr_bytes own = f->proof.parts[at].bytes;

	f->proof.parts[at].bytes = emr_proof_part_of(&other->proof, type, 0);
	says(f, wanted);
	f->proof.parts[at].bytes = own;
}

TEST_IN(begin, end, what_belongs_to_another_access_is_named)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF other_file = {0};
	emr_grant_made hers = story_share(&s, &s.lima, 0, true),
		       eves = story_share(&s, &s.eve, 0, true);
	uint64_t first, second;
	AUTO(close_file) opened_file f, other;
	emr_proof kept;

	first = reads(&s.lima, hers.grant, all_agents);
	second = reads(&s.eve, eves.grant, all_agents);
	make(first, &file);
	make(second, &other_file);
	open_file(&file, &f);
	open_file(&other_file, &other);
	put_of(&f, &other, EMR_PROOF_GRANT, "grant");
	put_of(&f, &other, EMR_PROOF_ANSWER, "release");
	put_of(&f, &other, EMR_PROOF_QUESTION_KEY, "question");
	/* Each in the place of another, in one file. */
	kept = f.proof;
	f.proof.parts[place_of(&kept, EMR_PROOF_ANSWER, 0)].bytes =
		emr_proof_part_of(&kept, EMR_PROOF_GRANT, 0);
	says(&f, "release");
	f.proof.parts[place_of(&kept, EMR_PROOF_GRANT, 0)].bytes =
		emr_proof_part_of(&kept, EMR_PROOF_ANSWER, 0);
	says(&f, "grant");
	f.proof = kept;
	f.proof.parts[place_of(&kept, EMR_PROOF_ADMISSION, 0)].bytes =
		emr_proof_part_of(&kept, EMR_PROOF_APPROVAL, 0);
	says(&f, "admission");
	f.proof = kept;
	/* Her batch around eve's question: the item is not in it. */
	f.proof.item = other.proof.item;
	says(&f, "item");
	f.proof = kept;
	f.proof.priv = other.proof.priv;
	says(&f, "private-part");
	f.proof = kept;
}

TEST_IN(begin, end, a_question_that_the_ledger_refused_proves_nothing)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF priv = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_ledger_proof refused = {.seq = 0};
	emr_act act;
	emr_id16 access = emr_id16_random(), none = {{0}};
	opened_file f;
	uint64_t good, bad;

	good = reads(&s.lima, made.grant, all_agents);
	make(good, &file);
	open_file(&file, &f);
	assert_ok(
		emr_buf_append(&priv, f.proof.priv.data, f.proof.priv.len)); /* of the right size */
	close_file(&f);
	emr_buf_clear(&file);
	/* Eve asks under lima's grant: the ledger writes down that it did not take it. */
	act = emr_act_access(s.imaging, access, made.grant, none, 1, 0);
	assert_int_equal(story_says(&s, &s.eve, act, emr_buf_view(&priv)), EMR_RESULT_NOT_GRANTEE);
	(void)last_question();
	make(good, &file);
	bad = size_of_the_ledger() - 1;
	assert_ok(emr_ledger_prove(s.k.stack.ledger, bad, 0, size_of_the_ledger(), &refused));
	assert_int_equal(refused.result, EMR_RESULT_NOT_GRANTEE);
	open_file(&file, &f);
	f.proof.index = bad;
	f.proof.entry = emr_buf_view(&refused.entry);
	f.proof.item = emr_buf_view(&refused.item);
	f.proof.item_path = refused.item_path;
	f.proof.log_path = refused.log_path;
	says(&f, "entry"); /* eve's key is not shown */
	emr_ledger_proof_free(&refused);
	/* Lima herself asks under a grant that is none. */
	act = emr_act_access(s.imaging, access, emr_id16_random(), none, 1, 0);
	assert_int_equal(story_says(&s, &s.lima, act, emr_buf_view(&priv)), EMR_RESULT_NO_GRANT);
	close_file(&f);
	emr_buf_clear(&file);
	(void)last_question();
	make(good, &file);
	bad = size_of_the_ledger() - 1;
	assert_ok(emr_ledger_prove(s.k.stack.ledger, bad, 0, size_of_the_ledger(), &refused));
	open_file(&file, &f);
	f.proof.index = bad;
	f.proof.entry = emr_buf_view(&refused.entry);
	f.proof.item = emr_buf_view(&refused.item);
	f.proof.item_path = refused.item_path;
	f.proof.log_path = refused.log_path;
	says(&f, "result");
	close_file(&f);
	emr_ledger_proof_free(&refused);
}

/* ---- changed afterwards ---- */

TEST_IN(begin, end, no_bit_of_any_part_can_change_unseen)
{
	EMR_AUTO_BUF file = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	AUTO(close_file) opened_file f;
	unsigned compared = 0;

	(void)reads(&s.lima, made.grant, all_agents);
	make(last_question(), &file);
	open_file(&file, &f);
	for (size_t i = 0; i < f.proof.n_parts; i++) {
		emr_bytes part = f.proof.parts[i].bytes;

		for (size_t k = 0; k < 4; k++) {
			uint8_t *byte =
				(uint8_t *)(uintptr_t)part.data + (part.len - 1) * (k + 1) / 5;

			/* A nested file is text: another letter of its alphabet, so that it goes on
			 * being read. */
			uint8_t kept = *byte;

			*byte = kept == 'A'		     ? 'B'
				: kept >= 'B' && kept <= 'Z' ? 'A'
							     : (uint8_t)(kept ^ 1);
			says(&f, NULL);
			*byte = kept;
			compared++;
		}
	}
	for (size_t at = 0; at < f.proof.priv.len; at += 301) {
		uint8_t *byte = (uint8_t *)(uintptr_t)f.proof.priv.data + at;

		*byte ^= 1;
		says(&f, "private-part");
		*byte ^= 1;
	}
	for (size_t at = 0; at < f.proof.entry.len; at += 13) {
		uint8_t *byte = (uint8_t *)(uintptr_t)f.proof.entry.data + at;

		*byte ^= 1;
		says(&f, NULL);
		*byte ^= 1;
	}
	for (size_t at = 0; at < f.proof.item.len; at += 7) {
		uint8_t *byte = (uint8_t *)(uintptr_t)f.proof.item.data + at;

		*byte ^= 1;
		says(&f, NULL);
		*byte ^= 1;
	}
	says(&f, "");
	assert_true(compared > 80);
}

TEST_IN(begin, end, a_certificate_that_has_ended_proves_nothing_new)
{
	EMR_AUTO_BUF file = {0};
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_proof_verdict v;
	const emr_id16 other = {{1}};

	(void)reads(&s.lima, made.grant, all_agents);
	make(last_question(), &file);
	/* It is judged at the time of the question, so an old proof stays good ... */
	story_pass(&s, 500 * DAY);
	check(&file, &v);
	/* ... for this network. */
	assert_ok(emr_proof_check(emr_buf_view(&file), -1, &other, &v));
	assert_int_equal(v.step, EMR_PROOF_BAD_NETWORK);
}

/* ---- contents that others wrote ---- */

typedef struct placed {
	const char *name;
	emr_place place;
	bool is_there;
} placed;

static emr_status find_place(void *arg, const emr_place *place, const emr_meta *meta)
{
	placed *p = arg;

	if (meta->name.len == strlen(p->name) &&
		memcmp(meta->name.data, p->name, meta->name.len) == 0) {
		p->place = *place;
		p->is_there = true;
	}
	return EMR_OK;
}

/* NUMBER: that of the record which the item names, where nobody believes it; NULL: as it is
 * believed. */
static void prove_content_as(const char *name, const emr_id16 *number, emr_buf *out)
{
	emr_proof_sources from = sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);
	placed found = {.name = name};
	uint64_t damaged = 0;

	from.records = s.k.stack.records;
	from.store = emr_store_blocks(s.k.stack.store);
	from.facts = s.k.stack.facts;
	assert_ok(emr_facts_each(s.k.stack.facts, find_place, &found, &damaged));
	assert_true(found.is_there);
	if (number != NULL)
		found.place.record_id = *number;
	assert_ok(emr_proof_make(&from, &found.place, out));
}

static void prove_content(const char *name, emr_buf *out)
{
	prove_content_as(name, NULL, out);
}

TEST_IN(begin, end, what_a_writer_left_in_ones_folder_has_a_proof)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF own = {0};
	emr_proof_verdict v;
	opened_file f, mine;
	AUTO(pen_close) pen p;

	(void)pen_writes(&s, &p, &s.lima, "lima-writes");
	pen_file(&p, s.imaging, s.imaging, "opinion.txt", "a second opinion", NULL);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	kit_publish_all(&s.k);
	prove_content("opinion.txt", &file);
	check(&file, &v);
	assert_int_equal(v.kind, EMR_PROOF_OF_CONTENT);
	assert_string_equal(v.signer, "lima.clinic");
	assert_string_equal(v.organisation, "org0");
	assert_string_not_equal(v.owner, v.signer);
	open_file(&file, &f);
	remove_all(&f.proof, EMR_PROOF_DOMAIN);
	says(&f, "owner");
	close_file(&f);
	/* The owner's own is of format 1, and the beginning of a domain does not belong into an
	 * access. */
	prove_content("MRI.pdf", &own);
	check(&own, &v);
	open_file(&own, &mine);
	assert_int_equal(mine.proof.version, 1);
	close_file(&mine);
	open_file(&file, &f);
	f.proof.parts[place_of(&f.proof, EMR_PROOF_DOMAIN, 0)].bytes =
		emr_proof_part_of(&f.proof, EMR_PROOF_KEY, 0);
	says(&f, "owner");
	close_file(&f);
}

TEST_IN(begin, end, nobody_proves_with_what_another_once_said)
{
	EMR_AUTO_BUF file = {0};
	emr_place at = {.domain = s.imaging, .object = emr_id16_random(), .cver = 1};
	AUTO(pen_close) pen p, q;

	(void)story_lets_write(&s, &s.lima, true);
	(void)story_lets_write(&s, &s.eve, true);
	pen_open(&s, &p, &s.lima, "lima-says");
	story_see(&s.lima);
	pen_open(&s, &q, &s.eve, "eve-repeats");
	lies_remember();
	pen_file(&p, s.imaging, s.imaging, "said.txt", "all is well", &at.record_id);
	lies_bring_again();
	memcpy(at.r_pid, lies_r_pid(), sizeof at.r_pid);
	story_see(&s.eve);
	pen_over(&q, &at, s.imaging, "repeated.txt", "whatever");
	assert_int_equal(q.last.result, EMR_RESULT_APPLIED);
	lies_forget();
	kit_publish_all(&s.k);
	prove_content("said.txt", &file);
	both_say(emr_buf_view(&file), "");
	emr_buf_clear(&file);
	is_unchecked = true;
	prove_content_as("repeated.txt", &at.record_id, &file);
	is_unchecked = false;
	both_say(emr_buf_view(&file), "statement");
}

AROUND(begin)
{
	EMR_AUTO_FD fd;

	story_begin(&s);
	strcpy(path, "/tmp/emrfs-access-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
}

AROUND(end)
{
	(void)unlink(path);
	story_end(&s);
}

static bool is_named(const emr_proof_verdict *v, const person *m)
{
	bool is = false;

	for (size_t i = 0; i < v->n_names; i++)
		is = is || memcmp(v->names[i], m->public.signer_id.b, sizeof v->names[i]) == 0;
	return is;
}

/* A writer beside the ledger leaves there, beside eve's, a signature in the name of lima, who gave
 * none. */
TEST_IN(begin, end, a_proof_names_the_witnesses_who_signed_and_nobody_else)
{
	EMR_AUTO_BUF note = {0};
	EMR_AUTO_BUF file = {0};
	emr_checkpoint head = {.net_id = emr_ledger_net_id(s.k.stack.ledger)};
	emr_replica_position at;
	emr_proof_verdict v;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_at(s.k.stack.replica, &at));
	head.size = at.size;
	assert_ok(emr_replica_root_at(s.k.stack.replica, at.size, head.root));
	assert_ok(emr_checkpoint_cosign(&head, s.eve.keyring, story_now(&s)));
	assert_ok(emr_checkpoint_cosign(&head, s.lima.keyring, story_now(&s)));
	for (size_t i = 0; i < head.n_sigs; i++)
		head.sigs[i].sig[9] ^=
			memcmp(head.sigs[i].name_id, s.lima.public.signer_id.b, 8) == 0;
	assert_ok(emr_checkpoint_format(&head, &note));
	assert_ok(emr_ledger_leave_checkpoint(s.k.stack.ledger, emr_buf_view(&note)));
	prove_content("MRI.pdf", &file);
	check(&file, &v);
	assert_true(is_named(&v, &s.eve));
	assert_false(is_named(&v, &s.lima));
	assert_int_equal(v.n_unknown, 0); /* her certificate is in the file, too */
}

TESTS(NULL, NULL)
