/* These tests make and read cards: known answers of the second model, every changed bit,
 * misleading names, cards of somebody else's Inbox, and the number that two people compare. */
#include "share_kit.h"

#include "keyring/card.h"

static json_t *root;
static const json_t *cards;
static emr_keyring *owner;
static emr_id16 net_id;
static emr_id16 domain_id;

static emr_bytes card_of(const char *which, emr_buf *buf)
{
	return vectors_hex(cards, which, buf);
}

/* ---- Known answers ---- */

TEST(cards_match_the_second_model)
{
	EMR_AUTO_BUF want = {0};
	EMR_AUTO_BUF got = {0};
	uint64_t issued = vectors_u64(cards, "issued");
	uint64_t expires = vectors_u64(cards, "expires");
	const char *name = vectors_text(cards, "name");
	const char *born = vectors_text(cards, "born");
	EMR_AUTO_KEYRING agent = share_keyring(root, "agent1");

	assert_ok(emr_card_make_person(owner, net_id, issued, expires, name, born, &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), card_of("person", &want)));
	emr_buf_clear(&got);
	assert_ok(emr_card_make_domain(
		owner, net_id, domain_id, 1, 3, issued, expires, name, born, &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), card_of("domain", &want)));
	emr_buf_clear(&got);
	assert_ok(emr_card_make_person(agent, net_id, issued, expires, "", "", &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), card_of("nameless", &want)));
}

TEST(a_card_says_what_was_put_on_it)
{
	EMR_AUTO_BUF bytes = {0};
	emr_card card;
	emr_public public;
	emr_domain_public domain;

	assert_ok(emr_keyring_public(owner, &public));
	assert_ok(emr_keyring_domain_public(owner, domain_id, 1, 3, &domain));
	assert_ok(emr_card_read(card_of("person", &bytes), &card));
	assert_int_equal(card.kind, EMR_CARD_PERSON);
	assert_string_equal(card.name, vectors_text(cards, "name"));
	assert_string_equal(card.born, vectors_text(cards, "born"));
	assert_memory_equal(card.id_pk, public.pk, 32);
	assert_memory_equal(card.signer_id.b, public.signer_id.b, 32);
	assert_memory_equal(card.x25519, public.x25519, 32);
	assert_memory_equal(card.B, public.B, 32);
	assert_true(emr_id16_is_zero(card.domain_id));
	assert_ok(emr_card_read(card_of("domain", &bytes), &card));
	assert_int_equal(card.kind, EMR_CARD_DOMAIN);
	assert_memory_equal(card.domain_id.b, domain_id.b, 16);
	assert_memory_equal(card.dom_pk, domain.owner_pk, 32);
	assert_memory_equal(card.x25519, domain.box, 32);
	assert_memory_equal(card.B, domain.A, 32);
	assert_ok(emr_card_read(card_of("nameless", &bytes), &card));
	assert_string_equal(card.name, "");
	assert_string_equal(card.born, "");
}

TEST(every_bit_of_a_card_matters)
{
	static const char *const which[] = {"person", "domain"};

	for (size_t i = 0; i < 2; i++) {
		EMR_AUTO_BUF bytes = {0};
		emr_card card;

		card_of(which[i], &bytes);
		for (size_t bit = 0; bit < bytes.len * 8; bit++) {
			bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(EMR_OK, emr_card_read(emr_buf_view(&bytes), &card));
			bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t len = 0; len < bytes.len; len++)
			assert_int_not_equal(
				EMR_OK, emr_card_read(emr_bytes_of(bytes.data, len), &card));
		assert_ok(emr_buf_append_zeros(&bytes, 1));
		assert_status(EMR_DAMAGED, emr_card_read(emr_buf_view(&bytes), &card));
	}
}

/* A person's card with one field changed and signed again by its holder. */
static emr_status signed_again(size_t at, const void *bytes, size_t len)
{
	EMR_AUTO_BUF card = {0};
	emr_card read;

	card_of("person", &card);
	memcpy(card.data + at, bytes, len);
	assert_ok(emr_keyring_sign(owner, emr_signer_identity(), EMR_SIGN_CARD,
		emr_bytes_of(card.data, card.len - 64), card.data + card.len - 64));
	return emr_card_read(emr_buf_view(&card), &read);
}

TEST(a_signature_does_not_make_nonsense_a_card)
{
	static const uint8_t zeros[32];
	static const uint8_t one[8] = {0, 0, 0, 0, 0, 0, 0, 1};
	EMR_AUTO_BUF bytes = {0};
	emr_card card;

	assert_ok(emr_card_read(card_of("person", &bytes), &card));
	assert_ok(signed_again(88, card.B, 32));
	assert_status(EMR_DAMAGED, signed_again(6, one + 7, 1));   /* a reserved byte */
	assert_status(EMR_DAMAGED, signed_again(56, zeros, 32));   /* no X25519 */
	assert_status(EMR_DAMAGED, signed_again(88, zeros, 32));   /* the identity as B */
	assert_status(EMR_DAMAGED, signed_again(120, one, 8));	   /* a person with a domain */
	assert_status(EMR_DAMAGED, signed_again(136, card.B, 32)); /* or with a domain's key */
	assert_status(EMR_DAMAGED, signed_again(176, one, 8));	   /* over before it began */
	assert_status(EMR_DAMAGED, signed_again(185, "\n", 1));	   /* a name in two lines */
	card.B[31] |= 0x80; /* the second encoding of a point that libsodium takes */
	assert_status(EMR_DAMAGED, signed_again(88, card.B, 32));
}

TEST(a_newer_card_is_named_as_such)
{
	EMR_AUTO_BUF bytes = {0};
	emr_card card;

	card_of("person", &bytes);
	bytes.data[4] = 2;
	assert_status(EMR_NEWER_FORMAT, emr_card_read(emr_buf_view(&bytes), &card));
}

/* ---- What may stand on a card ---- */

static emr_status with(const char *name, const char *born)
{
	EMR_AUTO_BUF out = {0};

	return emr_card_make_person(owner, net_id, 1, 2, name, born, &out);
}

TEST(misleading_names_are_refused)
{
	static const char *const bad[] = {"Ana\tSilva", "Ana\nSilva", "\x7f", "Ana\xc2\x85",
		"Ana \xe2\x80\xae"
		"avliS", /* right-to-left override */
		"\xe2\x81\xa6"
		"Ana",
		"A\xe2\x80\x8bna",
		"\xef\xbb\xbf"
		"Ana",
		"Ana\xff", "\xc0\x80", "\xed\xa0\x80", " Ana", "Ana ",
		"An\xe2\x80\xa8"
		"a"};
	static const char *const good[] = {"", "Ana", "\xd8\xb9\xd9\x84\xdb\x8c",
		"O'Neil-\xc3\x89va",
		"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7" /* a joiner that is needed */};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_status(EMR_INVALID, with(bad[i], ""));
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_ok(with(good[i], ""));
}

TEST(birth_dates_must_exist)
{
	static const char *const bad[] = {"1984-3-12", "1984-13-01", "1984-02-30", "1983-02-29",
		"1900-02-29", "1984-00-10", "1984-01-00", "1984/01/01", "84-01-01", "1799-12-31",
		"19a4-01-01", "1984-01-011"};
	static const char *const good[] = {
		"", "1984-03-12", "2000-02-29", "1972-02-29", "1999-12-31"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_status(EMR_INVALID, with("Ana", bad[i]));
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_ok(with("Ana", good[i]));
}

TEST(what_does_not_fit_is_said)
{
	char name[EMR_CARD_LABEL_MAX + 1];
	EMR_AUTO_BUF out = {0};

	memset(name, 'a', sizeof name);
	name[EMR_CARD_LABEL_MAX - 1] = '\0';
	assert_ok(with(name, ""));
	assert_status(EMR_LIMIT, with(name, "1984-03-12"));
	name[EMR_CARD_NAME_MAX] = '\0';
	assert_ok(with(name, "1984-03-12"));
	assert_status(EMR_INVALID, emr_card_make_person(owner, net_id, 2, 2, "Ana", "", &out));
	assert_int_equal(out.len, 0);
}

/* ---- Text ---- */

TEST(text_forms_match_and_come_back)
{
	static const char *const forms[][2] = {
		{"file", "person"}, {"qr", "person"}, {"domain_qr", "domain"}};
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF file = {0};
	char qr[EMR_CARD_QR_MAX];

	assert_ok(emr_card_file_text(card_of("person", &bytes), &file));
	assert_int_equal(file.len, strlen(vectors_text(cards, "file")));
	assert_memory_equal(file.data, vectors_text(cards, "file"), file.len);
	assert_ok(emr_card_qr_text(card_of("person", &bytes), qr));
	assert_string_equal(qr, vectors_text(cards, "qr"));
	assert_ok(emr_card_qr_text(card_of("domain", &bytes), qr));
	assert_string_equal(qr, vectors_text(cards, "domain_qr"));
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		EMR_AUTO_BUF got = {0};
		emr_bytes card;

		assert_ok(emr_card_from_text(kit_text(vectors_text(cards, forms[i][0])), &got));
		assert_ok(emr_card_first(emr_buf_view(&got), &card));
		assert_true(emr_bytes_equal(card, card_of(forms[i][1], &bytes)));
	}
}

/* A person's card with the nameless one of her Inbox behind it, and nothing behind that. */
TEST(a_card_carries_its_inbox_through_file_and_code)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF got = {0};
	emr_card person, inbox;
	emr_bytes card, between;
	char qr[EMR_CARD_QR_MAX];
	size_t person_len;

	assert_ok(emr_card_make_person(owner, net_id, 10, 20, "Ana", "1984-03-12", &bytes));
	person_len = bytes.len;
	assert_ok(emr_card_read(emr_buf_view(&bytes), &person));
	assert_status(EMR_NOT_FOUND, emr_card_inbox_read(emr_buf_view(&bytes), &person, &inbox));
	assert_ok(
		emr_card_make_domain(owner, net_id, (emr_id16){{3}}, 1, 1, 10, 20, "", "", &bytes));
	assert_ok(emr_card_qr_text(emr_buf_view(&bytes), qr));
	assert_ok(emr_card_from_text(kit_text(qr), &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), emr_buf_view(&bytes)));
	assert_ok(emr_card_file_text(emr_buf_view(&bytes), &file));
	emr_buf_clear(&got);
	assert_ok(emr_card_from_text(emr_buf_view(&file), &got));
	assert_ok(emr_card_first(emr_buf_view(&got), &card));
	assert_int_equal(card.len, person_len);
	assert_ok(emr_card_inbox(emr_buf_view(&got), &between));
	assert_int_equal(between.len, bytes.len - person_len);
	assert_ok(emr_card_inbox_read(emr_buf_view(&got), &person, &inbox));
	assert_int_equal(inbox.domain_id.b[0], 3);
	assert_memory_equal(inbox.id_pk, person.id_pk, 32);
	assert_ok(emr_buf_append(&got, "", 1));
	assert_status(EMR_DAMAGED, emr_card_first(emr_buf_view(&got), &card));
}

TEST(another_persons_inbox_behind_a_card_is_refused)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_KEYRING stranger = NULL;
	emr_card person, inbox;
	emr_bytes card;
	size_t len;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
	assert_ok(emr_card_make_person(owner, net_id, 10, 20, "Ana", "", &bytes));
	assert_ok(emr_card_read(emr_buf_view(&bytes), &person));
	len = bytes.len;
	assert_ok(emr_card_make_domain(
		stranger, net_id, (emr_id16){{3}}, 1, 1, 10, 20, "", "", &bytes));
	assert_status(
		EMR_BAD_SIGNATURE, emr_card_inbox_read(emr_buf_view(&bytes), &person, &inbox));
	bytes.len = len;
	assert_ok(emr_card_make_domain(
		owner, (emr_id16){{9}}, (emr_id16){{3}}, 1, 1, 10, 20, "", "", &bytes));
	assert_status(
		EMR_BAD_SIGNATURE, emr_card_inbox_read(emr_buf_view(&bytes), &person, &inbox));
	/* Cut off, or a person's where a domain's belongs. */
	bytes.len--;
	assert_status(EMR_DAMAGED, emr_card_first(emr_buf_view(&bytes), &card));
	bytes.len = len;
	assert_ok(emr_card_make_person(owner, net_id, 10, 20, "Ana", "", &bytes));
	assert_status(EMR_DAMAGED, emr_card_first(emr_buf_view(&bytes), &card));
}

TEST(text_survives_mail_and_typing_and_nothing_else)
{
	EMR_AUTO_BUF want = {0};
	EMR_AUTO_BUF got = {0};
	char text[2048];
	size_t len;

	card_of("person", &want);
	/* Lower case, blanks around and inside. */
	len = (size_t)snprintf(text, sizeof text, "\r\n %s \n", vectors_text(cards, "qr"));
	for (char *c = strchr(text, ':'); *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	text[40] = text[40]; /* one blank inside */
	memmove(text + 41, text + 40, len - 39);
	text[40] = ' ';
	assert_ok(emr_card_from_text(kit_text(text), &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), emr_buf_view(&want)));
	emr_buf_clear(&got);
	assert_ok(emr_card_from_text(emr_buf_view(&want), &got)); /* the bytes themselves */
	assert_true(emr_bytes_equal(emr_buf_view(&got), emr_buf_view(&want)));
	emr_buf_clear(&got);
	assert_status(EMR_DAMAGED, emr_card_from_text(kit_text("EMRFS:AAAA1"), &got));
	assert_status(EMR_DAMAGED, emr_card_from_text(kit_text("EMRFS:"), &got));
	assert_status(EMR_DAMAGED, emr_card_from_text(kit_text("emrfs card v1"), &got));
	assert_status(EMR_DAMAGED, emr_card_from_text(kit_text("emrfs card v1\n!!"), &got));
	assert_status(EMR_DAMAGED, emr_card_from_text(kit_text("emrfs card v2\nRU1DRA=="), &got));
	assert_status(EMR_DAMAGED, emr_card_from_text(kit_text(""), &got));
	assert_int_equal(got.len, 0);
}

/* ---- Numbers ---- */

TEST(both_sides_see_one_number_and_codes_match)
{
	EMR_AUTO_BUF bytes = {0};
	const json_t *person;
	emr_card mine, theirs, agents, domain;
	char number[EMR_SAFETY_NUMBER_CHARS];
	char code[EMR_KEY_CODE_MAX + 1];
	size_t i;

	assert_ok(emr_card_read(card_of("person", &bytes), &mine));
	assert_ok(emr_card_read(card_of("other", &bytes), &theirs));
	assert_ok(emr_card_read(card_of("nameless", &bytes), &agents));
	assert_ok(emr_card_read(card_of("domain", &bytes), &domain));
	assert_ok(emr_card_safety_number(&mine, false, &theirs, false, number));
	assert_string_equal(number, vectors_text(cards, "number"));
	assert_ok(emr_card_safety_number(&theirs, false, &mine, false, number));
	assert_string_equal(number, vectors_text(cards, "number"));
	assert_ok(emr_card_safety_number(&mine, false, &agents, true, number));
	assert_string_equal(number, vectors_text(cards, "number_with_agent"));
	assert_status(EMR_INVALID, emr_card_safety_number(&mine, false, &domain, false, number));
	json_array_foreach(vectors_get(root, "people"), i, person)
	{
		emr_id32 id;

		vectors_fixed(person, "signer_id", id.b, 32);
		emr_key_code(id, EMR_KEY_CODE_SHOWN, code);
		assert_string_equal(code, vectors_text(person, "code"));
	}
}

AROUND(set_up)
{
	root = vectors_open("share.json");
	cards = vectors_get(root, "cards");
	owner = share_keyring(root, "owner");
	vectors_fixed(root, "net_id", net_id.b, 16);
	vectors_fixed(root, "domain_id", domain_id.b, 16);
}

AROUND(tear_down)
{
	emr_keyring_free(owner);
	json_decref(root);
}

TESTS(set_up, tear_down)
