/* These tests are about proofs of what others wrote in a folder, or witnessed: what is wrong with
 * one is named by emrfs and by examples/verify-audit, which share no code, with the same word. */
#include "contract/codes.h"
#include "keyring/grant.h"
#include "ledger/checkpoint.h"
#include "proof/make.h"
#include "share/signed.h"
#include "lies_kit.h"
#include "pen_kit.h"
#include "proof_both.h"
#include "story_kit.h"

static story s;
static char path[96];

/* ---- asking both ---- */

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

static emr_proof_sources sources_of(emr_keyring *keyring, emr_ledger *ledger, emr_replica *replica)
{
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	return (emr_proof_sources){.keyring = keyring,
		.ledger = ledger,
		.replica = replica,
		.now_unix_s = story_now(&s)};
}

static void check(const emr_buf *file, emr_proof_verdict *out)
{
	assert_ok(emr_proof_check(emr_buf_view(file), -1, NULL, out));
	assert_string_equal(emr_proof_step_text(out->step), "");
	both_say_at(path, emr_buf_view(file), NULL, "");
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
	both_say_at(path, emr_buf_view(&file), NULL, wanted);
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

/* NUMBER: that of the record which the item names, where nobody believes it; NULL: as it is
 * believed. */
static void prove_content_as(const char *name, const emr_id16 *number, emr_buf *out)
{
	emr_proof_sources from = sources_of(s.k.stack.keyring, s.k.stack.ledger, s.k.stack.replica);
	emr_place place = story_place_called(&s, name);

	from.records = s.k.stack.records;
	from.store = emr_store_blocks(s.k.stack.store);
	from.facts = s.k.stack.facts;
	if (number != NULL)
		place.record_id = *number;
	assert_ok(emr_proof_make(&from, &place, out));
}

static void prove_content(const char *name, emr_buf *out)
{
	prove_content_as(name, NULL, out);
}

/* Lima leaves it in the folder, by PEN. */
static void writes_opinion(pen *p)
{
	(void)pen_writes(&s, p, &s.lima, "lima-writes");
	pen_file(p, s.imaging, s.imaging, "opinion.txt", "a second opinion", NULL);
	assert_int_equal(p->last.result, EMR_RESULT_APPLIED);
	kit_publish_all(&s.k);
}

/* ---- an organisation under another name ---- */

static const emr_id16
	*carried; /* what a hostile program takes for the one proposal that was carried */

static bool says_it_again; /* the ledger has each approval once more, from before */

static bool pretends(emr_known_proposal *known)
{
	if (emr_id16_equal(known->proposal, *carried))
		known->row.head.state = EMR_PROPOSAL_DONE;
	else if (memcmp(known->row.org, s.bosses[0].org.b, sizeof known->row.org) == 0)
		return false;
	return true;
}

WRAPPED(bool, emr_asked_next, emr_asking *asked, void *out_row, size_t size)
{
	static emr_replica_listing last;
	static bool is_again;
	bool is_line = says_it_again && asked->question == EMR_QUESTION_RECENT_IN, is;

	is_again = is_line && !is_again && last.family == EMR_FAMILY_APPROVAL;
	if (is_again) {
		memcpy(out_row, &last, sizeof last);
		return true;
	}
	do
		is = __real_emr_asked_next(asked, out_row, size);
	while (is && carried != NULL && asked->question == EMR_QUESTION_PROPOSALS &&
		!pretends(out_row));
	if (is && is_line)
		memcpy(&last, out_row, sizeof last);
	else
		last.family = 0;
	return is;
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
	emr_id16 proposal;
	AUTO(close_file) opened_file f, other;
	emr_proof_verdict v;
	AUTO(pen_close) pen p;

	writes_opinion(&p);
	proposal = renames_the_clinic(&s.bosses[0], "Charite");
	prove_content("opinion.txt", &file);
	carried = &proposal;
	is_unchecked = true;
	prove_content("opinion.txt", &forged);
	is_unchecked = false;
	carried = NULL;
	both_say_at(path, emr_buf_view(&forged), NULL,
		"certificate"); /* lima's is older than that admission */
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

/* An approval that counted no more was said again: a proof has what counted in the end. */
TEST_IN(begin, end, a_proof_has_each_organisation_s_approval_once)
{
	EMR_AUTO_BUF file = {0};
	opened_file f;
	emr_proof_verdict v;
	AUTO(pen_close) pen p;

	writes_opinion(&p);
	says_it_again = true;
	prove_content("opinion.txt", &file);
	says_it_again = false;
	open_file(&file, &f);
	assert_non_null(emr_proof_part_of(&f.proof, EMR_PROOF_APPROVAL, 0).data);
	close_file(&f);
	check(&file, &v);
}

/* ---- contents that others wrote ---- */

TEST_IN(begin, end, a_certificate_that_has_ended_proves_nothing_new)
{
	EMR_AUTO_BUF file = {0};
	emr_proof_verdict v;
	const emr_id16 other = {{1}};

	prove_content("MRI.pdf", &file);
	/* It is judged at the time of the entry, so an old proof stays good ... */
	story_pass(&s, 500 * DAY);
	check(&file, &v);
	/* ... for this network. */
	assert_ok(emr_proof_check(emr_buf_view(&file), -1, &other, &v));
	assert_int_equal(v.step, EMR_PROOF_BAD_NETWORK);
}

TEST_IN(begin, end, what_a_writer_left_in_ones_folder_has_a_proof)
{
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF own = {0};
	emr_proof_verdict v;
	opened_file f, mine;
	AUTO(pen_close) pen p;

	writes_opinion(&p);
	prove_content("opinion.txt", &file);
	check(&file, &v);
	assert_string_equal(v.signer, "lima.clinic");
	assert_string_equal(v.organisation, "org0");
	assert_string_not_equal(v.owner, v.signer);
	open_file(&file, &f);
	remove_all(&f.proof, EMR_PROOF_DOMAIN);
	says(&f, "owner");
	close_file(&f);
	/* The owner's own is of format 1. */
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
	both_say_at(path, emr_buf_view(&file), NULL, "");
	emr_buf_clear(&file);
	is_unchecked = true;
	prove_content_as("repeated.txt", &at.record_id, &file);
	is_unchecked = false;
	both_say_at(path, emr_buf_view(&file), NULL, "statement");
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
