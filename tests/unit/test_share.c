/* These tests are about grants, fragments and letters against the second model: a letter that the
 * model sealed opens here, and is encoded here to the same bytes. */
#include "share_world.h"

#include "contract/pubs_share.h"

#include "letters_private.h"
#include "held_private.h"

/* ---- GRANT ---- */

static emr_status open_grant(emr_bytes item, emr_bytes part)
{
	emr_grant_part read;
	emr_grant_note note;
	emr_grant_letter letter;
	emr_status status = emr_grant_part_read(item, part, &read);

	if (status == EMR_OK)
		status = emr_grant_note_open(domain_box, item, &read, &note);
	if (status == EMR_OK)
		status = emr_grant_letter_open(grantee_box, item, &read, &letter);
	return status;
}

TEST(a_grant_reads_as_the_second_model_wrote_it)
{
	AUTO_PART grant = share_part_of(root, "GRANT");
	const json_t *want = vectors_get(root, "terms");
	const json_t *share = vectors_get(root, "share");
	EMR_AUTO_BUF plain = {0};
	EMR_AUTO_BUF again = {0};
	emr_grant_part part;
	emr_grant_note note;
	emr_grant_letter letter;
	emr_card card;
	uint8_t encoded[EMR_GRANT_NOTE_BYTES];
	uint8_t B[32];

	assert_int_equal(terms.not_before, vectors_u64(want, "not_before"));
	assert_int_equal(terms.not_after, vectors_u64(want, "not_after"));
	assert_int_equal(terms.from_time, vectors_u64(want, "from_time"));
	assert_int_equal(terms.purposes, vectors_u64(want, "purposes"));
	assert_int_equal(terms.rights, vectors_u64(want, "rights"));
	assert_int_equal(terms.t, 2);
	assert_int_equal(terms.n, 3);
	assert_true(emr_id32_equal(terms.grantee, id_of(grantee)));
	assert_ok(emr_grant_part_read(emr_buf_view(&grant.item), emr_buf_view(&grant.part), &part));
	public_B(grantee, B);
	assert_memory_equal(part.B, B, 32);
	for (int i = 0; i < 3; i++)
		assert_true(emr_id32_equal(part.agents[i], id_of(agents[i])));
	assert_ok(emr_grant_note_open(domain_box, emr_buf_view(&grant.item), &part, &note));
	assert_string_equal(note.label, vectors_text(share, "note_label"));
	assert_ok(emr_grant_letter_open(grantee_box, emr_buf_view(&grant.item), &part, &letter));
	assert_string_equal(letter.label, vectors_text(share, "label"));
	assert_memory_equal(letter.share_id.b, note.share_id.b, 16);
	assert_ok(emr_card_read(emr_bytes_of(letter.card, letter.card_len), &card));
	assert_memory_equal(card.dom_pk, domain_pk, 32);
	/* The same bytes again. */
	assert_ok(emr_grant_letter_encode(&letter, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), share_plain(&grant, "grant", &plain)));
	emr_grant_note_encode(&letter, encoded);
	assert_true(emr_bytes_equal(
		emr_bytes_of(encoded, sizeof encoded), share_plain(&grant, "note", &plain)));
}

TEST(another_operation_of_the_same_length_is_no_grant)
{
	AUTO_PART grant = share_part_of(root, "GRANT");
	AUTO_PART admit = share_part_of(root, "DATASET_ADMIT");
	emr_grant_terms read;

	assert_int_equal(grant.item.len, admit.item.len);
	assert_ok(emr_grant_terms_read(emr_buf_view(&grant.item), &read));
	grant.item.data[5] = admit.item.data[5];
	assert_status(EMR_DAMAGED, emr_grant_terms_read(emr_buf_view(&grant.item), &read));
}

TEST(nobody_else_opens_a_grants_letter)
{
	AUTO_PART grant = share_part_of(root, "GRANT");
	emr_grant_part part;
	emr_grant_letter letter;
	emr_grant_note note;

	assert_ok(emr_grant_part_read(emr_buf_view(&grant.item), emr_buf_view(&grant.part), &part));
	assert_status(EMR_DAMAGED,
		emr_grant_letter_open(domain_box, emr_buf_view(&grant.item), &part, &letter));
	assert_status(EMR_DAMAGED,
		emr_grant_note_open(grantee_box, emr_buf_view(&grant.item), &part, &note));
}

TEST(every_bit_of_a_grant_matters)
{
	AUTO_PART grant = share_part_of(root, "GRANT");

	every_bit_matters(&grant, open_grant);
	/* Behind salt, B and agents, which the fragments' signatures and the hash cover. */
	every_bit_is_authenticated_without_the_hash(&grant, open_grant, (32 + 32 + 96) * 8);
}

/* ---- GRANT of a folder that lies in another one ---- */

static emr_status open_inner(emr_bytes item, emr_bytes part)
{
	emr_grant_part read;
	emr_status status = emr_grant_part_read(item, part, &read);

	return status == EMR_OK ? emr_grant_outer_check(item, &read, domain_pk) : status;
}

TEST(the_folder_around_a_grant_vouches_as_in_the_second_model)
{
	AUTO_PART inner = share_part_of(root, "GRANT inner");
	AUTO_PART outer = share_part_of(root, "GRANT");
	emr_bytes item = emr_buf_view(&inner.item);
	EMR_AUTO_BUF again = {0};
	emr_grant_part part;
	size_t end = outer.part.len; /* both say the same but for what is behind the letter */

	assert_int_equal(inner.part.len, end + 512);
	assert_ok(open_inner(item, emr_buf_view(&inner.part)));
	assert_ok(emr_grant_part_read(item, emr_buf_view(&inner.part), &part));
	assert_true(emr_id16_equal(part.outer, domain_id));
	assert_ok(emr_grant_outer_seal(owner, domain_id, 1, item, &again));
	assert_int_equal(again.len, 512);
	assert_memory_equal(again.data, inner.part.data + end, 512);
	/* Nobody vouches for a folder but the one around it, and none for itself. */
	assert_status(EMR_INVALID,
		emr_grant_outer_seal(owner, domain_id, 1, emr_buf_view(&outer.item), &again));
	assert_int_equal(again.len, 512);
	emr_buf_clear(&again);
	assert_ok(emr_buf_append(&again, inner.part.data, end));
	assert_ok(emr_grant_outer_seal(grantee, domain_id, 1, item, &again));
	assert_int_equal(again.len, inner.part.len);
	assert_status(EMR_BAD_SIGNATURE, open_instead(&inner, emr_buf_view(&again), open_inner));
	assert_ok(emr_grant_part_read(emr_buf_view(&outer.item), emr_buf_view(&outer.part), &part));
	assert_true(emr_id16_is_zero(part.outer));
	assert_status(EMR_BAD_SIGNATURE,
		emr_grant_outer_check(emr_buf_view(&outer.item), &part, domain_pk));
}

TEST(every_bit_of_what_is_behind_a_grants_letter_matters)
{
	AUTO_PART inner = share_part_of(root, "GRANT inner");
	AUTO_PART outer = share_part_of(root, "GRANT");

	every_bit_matters(&inner, open_inner);
	every_bit_is_authenticated_without_the_hash(&inner, open_inner, outer.part.len * 8);
}

/* ---- KFRAGS ---- */

static emr_status open_fragment(emr_bytes item, emr_bytes part)
{
	emr_kfrags_part read;
	emr_fragment *fragment = NULL;
	emr_box_key *box = NULL;
	uint8_t A[32], B[32];
	emr_status status = emr_kfrags_part_read(item, part, &terms, &read);

	if (status != EMR_OK)
		return status;
	assert_ok(emr_box_key_identity(agents[1], &box));
	vectors_fixed(fragments_of(1), "A", A, 32);
	public_B(grantee, B);
	status =
		emr_fragment_open(box, id_of(agents[1]), domain_pk, &terms, A, B, &read, &fragment);
	emr_box_key_free(box);
	emr_fragment_free(fragment);
	return status;
}

TEST(fragments_open_as_the_second_model_cut_them)
{
	uint8_t B[32];

	public_B(grantee, B);
	for (size_t s = 0; s < 2; s++) {
		const json_t *want = fragments_of(s);
		AUTO_PART one = share_part_of(root, s == 0 ? "KFRAGS 2" : "KFRAGS 3");
		emr_kfrags_part part;
		uint8_t A[32], gctx[32], bytes[64];

		vectors_fixed(want, "A", A, 32);
		assert_ok(emr_kfrags_part_read(
			emr_buf_view(&one.item), emr_buf_view(&one.part), &terms, &part));
		assert_int_equal(part.epoch, vectors_u64(want, "epoch"));
		emr_grant_ctx(&terms, part.epoch, A, B, gctx);
		vectors_fixed(want, "gctx", bytes, 32);
		assert_memory_equal(gctx, bytes, 32);
		for (size_t i = 0; i < 3; i++) {
			const json_t *frag = json_array_get(vectors_get(want, "frags"), i);
			emr_fragment *fragment = NULL;
			emr_box_key *box = NULL;

			assert_ok(emr_box_key_identity(agents[i], &box));
			assert_ok(emr_fragment_open(
				box, id_of(agents[i]), domain_pk, &terms, A, B, &part, &fragment));
			vectors_fixed(frag, "rk", bytes, 32);
			assert_memory_equal(fragment->rk.data, bytes, 32);
			emr_fragment_free(fragment);
			emr_box_key_free(box);
		}
	}
}

TEST(every_bit_of_the_fragments_part_matters)
{
	AUTO_PART one = share_part_of(root, "KFRAGS 3");

	/* Fragments are bound to the grant's terms and epoch, not to version or time of the item
	 * that brings them. */
	every_bit(&one, open_fragment, false);
}

TEST(a_fragment_for_other_terms_is_refused)
{
	AUTO_PART one = share_part_of(root, "KFRAGS 3");
	emr_grant_terms other = terms;
	emr_kfrags_part part;
	emr_fragment *fragment = NULL;
	emr_box_key *box = NULL;
	uint8_t A[32], A2[32], B[32];

	vectors_fixed(fragments_of(1), "A", A, 32);
	vectors_fixed(fragments_of(0), "A", A2, 32);
	public_B(grantee, B);
	assert_ok(emr_box_key_identity(agents[0], &box));
	assert_ok(emr_kfrags_part_read(
		emr_buf_view(&one.item), emr_buf_view(&one.part), &terms, &part));
	other.grant_id.b[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_kfrags_part_read(emr_buf_view(&one.item),
					   emr_buf_view(&one.part), &other, &part));
	other = terms;
	/* A ledger that shows longer terms, another epoch's key, or another grantee than was
	 * signed. */
	other.not_after++;
	assert_status(EMR_DAMAGED, emr_fragment_open(box, id_of(agents[0]), domain_pk, &other, A, B,
					   &part, &fragment));
	assert_status(EMR_DAMAGED, emr_fragment_open(box, id_of(agents[0]), domain_pk, &terms, A2,
					   B, &part, &fragment));
	assert_status(EMR_DAMAGED, emr_fragment_open(box, id_of(agents[0]), domain_pk, &terms, A, A,
					   &part, &fragment));
	/* Not an agent; not the owner's signature; another agent's letter. */
	assert_status(EMR_NOT_FOUND,
		emr_fragment_open(box, id_of(owner), domain_pk, &terms, A, B, &part, &fragment));
	assert_status(EMR_BAD_SIGNATURE,
		emr_fragment_open(box, id_of(agents[0]), B, &terms, A, B, &part, &fragment));
	assert_status(EMR_DAMAGED, emr_fragment_open(box, id_of(agents[1]), domain_pk, &terms, A, B,
					   &part, &fragment));
	assert_null(fragment);
	emr_box_key_free(box);
}

TEST(a_fragment_at_rest_opens_for_its_row_and_present_terms_only)
{
	const json_t *rest = vectors_get(root, "at_rest");
	EMR_AUTO_BUF row = {0};
	uint8_t sealed[EMR_FRAGMENT_SEALED_BYTES];
	uint8_t again[EMR_FRAGMENT_SEALED_BYTES];
	uint8_t A[32], B[32];
	emr_grant_terms later = terms;
	emr_fragment *fragment = NULL;
	emr_fragment *second = NULL;

	vectors_fixed(rest, "sealed", sealed, sizeof sealed);
	vectors_hex(rest, "row", &row);
	vectors_fixed(fragments_of(1), "A", A, 32);
	public_B(grantee, B);
	assert_ok(emr_fragment_open_local(agents[0], sealed, emr_buf_view(&row), id_of(agents[0]),
		domain_pk, &terms, A, B, &fragment));
	assert_ok(emr_fragment_seal_local(agents[0], fragment, emr_buf_view(&row), again));
	assert_memory_not_equal(again, sealed, 24); /* a nonce of its own */
	assert_ok(emr_fragment_open_local(agents[0], again, emr_buf_view(&row), id_of(agents[0]),
		domain_pk, &terms, A, B, &second));
	assert_memory_equal(second->rk.data, fragment->rk.data, 32);
	emr_fragment_free(fragment);
	emr_fragment_free(second);
	fragment = NULL;
	for (size_t bit = 0; bit < sizeof sealed * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(
			EMR_OK, emr_fragment_open_local(agents[0], sealed, emr_buf_view(&row),
					id_of(agents[0]), domain_pk, &terms, A, B, &fragment));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	later.not_after++;
	assert_status(
		EMR_BAD_SIGNATURE, emr_fragment_open_local(agents[0], sealed, emr_buf_view(&row),
					   id_of(agents[0]), domain_pk, &later, A, B, &fragment));
	later = terms;
	later.grant_id.b[0] ^= 1; /* a row that was put under another grant's key */
	assert_status(EMR_DAMAGED, emr_fragment_open_local(agents[0], sealed, emr_buf_view(&row),
					   id_of(agents[0]), domain_pk, &later, A, B, &fragment));
	row.data[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_fragment_open_local(agents[0], sealed, emr_buf_view(&row),
					   id_of(agents[0]), domain_pk, &terms, A, B, &fragment));
	row.data[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_fragment_open_local(agents[1], sealed, emr_buf_view(&row),
					   id_of(agents[0]), domain_pk, &terms, A, B, &fragment));
	assert_null(fragment);
}

/* ---- The other letters ---- */

static emr_status open_writer(emr_bytes item, emr_bytes part)
{
	emr_box_key *box = NULL;
	emr_writer_letter letter;
	emr_epoch_key **keys = NULL;
	size_t n = 0;
	emr_status status;

	assert_ok(emr_box_key_identity(agents[2], &box));
	status = emr_writer_part_open(box, item, part, &letter, &keys, &n);
	emr_box_key_free(box);
	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < n; i++)
		emr_epoch_key_free(keys[i]);
	free(keys);
	return EMR_OK;
}

TEST(writers_get_a_card_and_devices_the_keys_of_all_epochs)
{
	AUTO_PART hospital = share_part_of(root, "WRITER_ADD hospital");
	AUTO_PART device = share_part_of(root, "WRITER_ADD device");
	const share_part *parts[] = {&hospital, &device};

	for (size_t i = 0; i < 2; i++) {
		EMR_AUTO_BUF plain = {0};
		emr_bytes want = share_plain(parts[i], "writer", &plain);
		EMR_AUTO_BUF again = {0};
		emr_box_key *box = NULL;
		emr_writer_letter letter;
		emr_epoch_key **keys = NULL;
		size_t n = 9;

		assert_ok(emr_box_key_identity(agents[1 + i], &box));
		assert_ok(emr_writer_part_open(box, emr_buf_view(&parts[i]->item),
			emr_buf_view(&parts[i]->part), &letter, &keys, &n));
		assert_int_equal(n, i == 0 ? 0 : 3);
		assert_string_equal(letter.label, i == 0 ? "Inbox" : "tablet");
		assert_int_equal(emr_writer_letter_bytes(&letter, n), want.len);
		assert_ok(emr_buf_append_zeros(&again, want.len));
		assert_ok(emr_writer_letter_encode(
			&letter, (const emr_epoch_key *const *)keys, n, again.data));
		assert_true(emr_bytes_equal(emr_buf_view(&again), want));
		for (size_t e = 0; e < n; e++) {
			emr_domain_public public;

			assert_ok(emr_keyring_domain_public(
				owner, domain_id, 1, (uint32_t)e + 1, &public));
			assert_memory_equal(keys[e]->A, public.A, 32);
			emr_epoch_key_free(keys[e]);
		}
		free(keys);
		emr_box_key_free(box);
	}
	/* The same epoch twice. */
	{
		EMR_AUTO_BUF plain = {0};
		emr_writer_letter letter;
		emr_epoch_key **keys = NULL;
		size_t n;
		size_t at;

		share_plain(&device, "writer", &plain);
		at = 2 + (size_t)emr_get_u16(plain.data) + 16 + 32 + 1 + 36;
		assert_int_equal(emr_get_u32(plain.data + at), 2);
		emr_put_u32(plain.data + at, 1);
		assert_status(EMR_DAMAGED, emr_writer_letter_decode(emr_buf_view(&plain), domain_id,
						   &letter, &keys, &n));
	}
	every_bit_matters(&device, open_writer);
	every_bit_is_authenticated_without_the_hash(&device, open_writer, 32 * 8);
}

static emr_status open_request(emr_bytes item, emr_bytes part)
{
	emr_request_body body;

	return emr_request_part_open(owner_box, item, part, &body);
}

static emr_status open_deny(emr_bytes item, emr_bytes part)
{
	char reason[EMR_REQUEST_REASON_MAX + 1];

	return emr_deny_part_open(grantee_box, item, part, reason);
}

TEST(requests_and_refusals_say_what_was_written)
{
	AUTO_PART one = share_part_of(root, "REQUEST");
	AUTO_PART no = share_part_of(root, "DENY");
	const json_t *want = vectors_get(root, "request");
	EMR_AUTO_BUF plain = {0};
	EMR_AUTO_BUF again = {0};
	emr_request_body body;
	emr_card card;
	char reason[EMR_REQUEST_REASON_MAX + 1];
	uint8_t to[32], want_to[32];

	assert_ok(emr_request_part_open(
		owner_box, emr_buf_view(&one.item), emr_buf_view(&one.part), &body));
	assert_string_equal(body.path, vectors_text(want, "path"));
	assert_string_equal(body.reason, vectors_text(want, "reason"));
	assert_int_equal(body.rights, 3);
	assert_int_equal(body.until, vectors_u64(want, "until"));
	assert_ok(emr_card_read(emr_bytes_of(body.card, body.card_len), &card));
	assert_true(emr_id32_equal(card.signer_id, id_of(grantee)));
	emr_request_to(body.rsalt, id_of(owner).b, to);
	vectors_fixed(want, "to", want_to, 32);
	assert_memory_equal(to, want_to, 32);
	assert_ok(emr_request_body_encode(&body, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), share_plain(&one, "request", &plain)));
	assert_ok(emr_deny_part_open(
		grantee_box, emr_buf_view(&no.item), emr_buf_view(&no.part), reason));
	assert_string_equal(reason, vectors_text(want, "deny"));
	emr_buf_clear(&again);
	assert_ok(emr_reason_encode(reason, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), share_plain(&no, "deny", &plain)));
	every_bit_matters(&one, open_request);
	every_bit_matters(&no, open_deny);
}

static emr_status open_admit(emr_bytes item, emr_bytes part)
{
	emr_grantee_key *key = NULL;
	uint8_t B[32];
	emr_status status;

	vectors_fixed(vectors_get(root, "team"), "B", B, 32);
	status = emr_admit_part_open(grantee_box, item, part, B, &key);
	emr_grantee_key_free(key);
	return status;
}

TEST(a_member_gets_the_teams_key_and_no_other)
{
	AUTO_PART one = share_part_of(root, "DATASET_ADMIT");
	emr_grantee_key *key = NULL;
	uint8_t b[32], B[32];

	vectors_fixed(vectors_get(root, "team"), "b", b, 32);
	vectors_fixed(vectors_get(root, "team"), "B", B, 32);
	assert_ok(emr_admit_part_open(
		grantee_box, emr_buf_view(&one.item), emr_buf_view(&one.part), B, &key));
	assert_memory_equal(key->b.data, b, 32);
	emr_grantee_key_free(key);
	public_B(owner, B);
	assert_status(EMR_DAMAGED, emr_admit_part_open(grantee_box, emr_buf_view(&one.item),
					   emr_buf_view(&one.part), B, &key));
	every_bit_matters(&one, open_admit);
}

TESTS(set_up, tear_down)
