/* These tests use the book of cards: it is sealed, no two people are called the same, and a name
 * means one person or nobody. */
#include "emr_test.h"

#include "crypto/sum.h"
#include "people/book.h"
#include "kit/places.h"
#include "people/qr.h"
#include "replica/names.h"

#define NOW 1800000000u

static char directory[] = "/tmp/emr-book-XXXXXX";
static int fd;
static emr_keyring *mine, *other, *third;
static const emr_id16 net = {{7}};

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, NOW, &mine));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, NOW, &other));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, NOW, &third));
	return fd >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	emr_keyring_free(mine);
	emr_keyring_free(other);
	emr_keyring_free(third);
	unlinkat(fd, EMR_STATE_BOOK, 0);
	close(fd);
	return rmdir(directory);
}

static emr_status put(emr_book *book, const emr_keyring *kr, const char *name, uint64_t issued,
	const char *who, emr_book_change *out_change)
{
	EMR_AUTO_BUF card = {0};
	size_t index = 0;

	assert_ok(emr_card_make_person(kr, net, issued, issued + 1000, name, "1970-01-01", &card));
	return emr_book_put(book, emr_buf_view(&card), who, NOW, &index, out_change);
}

TEST(what_was_added_is_there_again)
{
	EMR_AUTO_BOOK book = {0}, again = {0};
	emr_book_change change;

	assert_ok(emr_book_load(mine, fd, &again));
	assert_int_equal(again.n, 0);
	assert_ok(put(&book, other, "Jo\xc3\xa3o Reis", NOW, "joao", &change));
	assert_int_equal(change, EMR_BOOK_ADDED);
	assert_ok(put(&book, third, "Ana", NOW, NULL, &change));
	book.people[1].compared_unix_s = 5;
	assert_ok(emr_book_save(mine, fd, &book));
	assert_ok(emr_book_load(mine, fd, &again));
	assert_int_equal(again.n, 2);
	assert_string_equal(again.people[0].who, "Ana");
	assert_string_equal(again.people[1].who, "joao");
	assert_string_equal(again.people[1].card.name, "Jo\xc3\xa3o Reis");
	assert_int_equal(again.people[1].compared_unix_s, 5);
	assert_int_equal(again.people[1].added_unix_s, NOW);
}

TEST(the_file_is_sealed_and_every_change_of_it_is_seen)
{
	EMR_AUTO_BOOK book = {0}, again = {0};
	EMR_AUTO_BUF file = {0};
	emr_book_change change;

	assert_ok(put(&book, other, "Recognisable Name", NOW, NULL, &change));
	assert_ok(emr_book_save(mine, fd, &book));
	assert_ok(emr_file_read(fd, EMR_STATE_BOOK, EMR_BOOK_FILE_MAX, &file));
	assert_int_equal(file.len, 8 + 24 + 4096 + 16 + EMR_SUM_BYTES);
	assert_null(memmem(file.data, file.len, "Recognisable", 12));
	assert_null(memmem(file.data, file.len, book.people[0].bytes.data + 24, 32));
	assert_status(EMR_DAMAGED, emr_book_load(other, fd, &again));
	for (size_t at = 0; at < file.len; at += at < 48 ? 1 : 97) {
		EMR_AUTO_BOOK rotten = {0};

		file.data[at] ^= 1;
		assert_ok(emr_file_replace(fd, EMR_STATE_BOOK, emr_buf_view(&file), 0600));
		/* The head is known and the sum is for who has no key: rot of them costs nothing.
		 */
		if (at < 8 || at >= file.len - EMR_SUM_BYTES)
			assert_ok(emr_book_load(mine, fd, &rotten));
		else
			assert_status(EMR_DAMAGED, emr_book_load(mine, fd, &rotten));
		file.data[at] ^= 1;
	}
	file.data[4] = 2;
	file.len -= EMR_SUM_BYTES;
	assert_ok(emr_sum_append(&file));
	assert_ok(emr_file_replace(fd, EMR_STATE_BOOK, emr_buf_view(&file), 0600));
	assert_status(EMR_NEWER_FORMAT, emr_book_load(mine, fd, &again));
	for (size_t len = 0; len < 60; len++) {
		assert_ok(emr_file_replace(fd, EMR_STATE_BOOK, emr_bytes_of(file.data, len), 0600));
		assert_int_not_equal(emr_book_load(mine, fd, &again), EMR_OK);
	}
	unlinkat(fd, EMR_STATE_BOOK, 0);
}

TEST(two_people_are_never_called_the_same)
{
	EMR_AUTO_BOOK book = {0};
	emr_book_change change;

	assert_ok(put(&book, other, "Ana", NOW, NULL, &change));
	assert_status(EMR_EXISTS, put(&book, third, "ANA", NOW, NULL, &change));
	assert_int_equal(book.n, 1);
	assert_ok(put(&book, third, "ANA", NOW, "aunt", &change));
	assert_status(EMR_EXISTS, put(&book, third, "ANA", NOW + 1, "ana", &change));
	assert_string_equal(book.people[1].who, "aunt");
}

TEST(a_newer_card_takes_the_place_and_an_older_one_does_not)
{
	EMR_AUTO_BOOK book = {0}, again = {0};
	emr_book_change change;

	assert_ok(put(&book, other, "Ana Old", NOW, "ana", &change));
	book.people[0].compared_unix_s = 9;
	assert_ok(put(&book, other, "Ana New", NOW + 10, NULL, &change));
	assert_int_equal(change, EMR_BOOK_RENEWED);
	assert_ok(put(&book, other, "Ana Old", NOW, NULL, &change));
	assert_int_equal(change, EMR_BOOK_SAME);
	assert_int_equal(book.n, 1);
	assert_string_equal(book.people[0].card.name, "Ana New");
	assert_string_equal(book.people[0].who, "ana");
	assert_int_equal(
		book.people[0].compared_unix_s, 9); /* the same keys: the number is the same */
	assert_ok(put(&book, other, "Ana New", NOW + 10, "anna", &change));
	assert_string_equal(book.people[0].who, "anna");
	assert_true(book.people[0].is_given);
	/* No later or older card makes the word of a card the owner's. */
	assert_ok(put(&book, third, "Dr Lima", NOW, NULL, &change));
	assert_ok(put(&book, third, "M.", NOW + 10, NULL, &change));
	assert_ok(put(&book, third, "Dr Lima", NOW, NULL, &change));
	assert_ok(emr_book_save(mine, fd, &book));
	assert_ok(emr_book_load(mine, fd, &again));
	assert_string_equal(again.people[1].who, "Dr Lima");
	assert_string_equal(again.people[1].card.name, "M.");
	assert_false(again.people[1].is_given);
	assert_true(again.people[0].is_given);
	unlinkat(fd, EMR_STATE_BOOK, 0);
}

TEST(who_is_meant_is_one_or_nobody)
{
	EMR_AUTO_BOOK book = {0};
	emr_book_change change;
	char names[400], both[400], code[EMR_KEY_CODE_MAX + 1], mias[EMR_KEY_CODE_MAX + 1],
		whole[120];
	size_t index = 9;

	assert_ok(put(&book, other, "Maria Sousa", NOW, "maria", &change));
	assert_ok(put(&book, third, "Maria Sousa", NOW, "mia", &change));
	assert_ok(emr_book_find(&book, "MIA", &index, names, sizeof names));
	assert_int_equal(index, 1);
	assert_status(
		EMR_NOT_FOUND, emr_book_find(&book, "maria sousa", &index, names, sizeof names));
	emr_key_code(book.people[0].card.signer_id, EMR_KEY_CODE_SHOWN, code);
	emr_key_code(book.people[1].card.signer_id, EMR_KEY_CODE_SHOWN, mias);
	(void)snprintf(both, sizeof both, "maria (%s) [Maria Sousa %s]; mia (%s) [Maria Sousa %s]",
		code, book.people[0].card.born, mias, book.people[1].card.born);
	assert_string_equal(names, both);
	/* A maker of many keys has one with these letters soon, and a card says what its holder
	 * likes. */
	assert_status(EMR_NOT_FOUND, emr_book_find(&book, code, &index, names, sizeof names));
	(void)snprintf(
		whole, sizeof whole, "mia (%s) [maria sousa %s]", mias, book.people[1].card.born);
	assert_status(EMR_NOT_FOUND, emr_book_find(&book, whole, &index, names, sizeof names));
	emr_key_code(book.people[1].card.signer_id, EMR_KEY_CODE_NAMES - 1, whole);
	assert_status(EMR_NOT_FOUND, emr_book_find(&book, whole, &index, names, sizeof names));
	emr_key_code(book.people[1].card.signer_id, EMR_KEY_CODE_NAMES, whole);
	assert_ok(emr_book_find(&book, whole, &index, names, sizeof names));
	assert_int_equal(index, 1);
	/* A beginning is a hint, never a person. */
	assert_status(EMR_NOT_FOUND, emr_book_find(&book, "mar", &index, names, sizeof names));
	assert_string_equal(names, both);
	assert_status(EMR_NOT_FOUND, emr_book_find(&book, "", &index, names, sizeof names));
	assert_status(EMR_NOT_FOUND, emr_book_find(&book, "zoe", &index, names, sizeof names));
	assert_string_equal(names, "");
}

TEST(a_name_that_misleads_is_refused)
{
	static const char *const bad[] = {"", "a/b", "a@b", "../x", "-o", "card", "ADD", "check",
		"You", "the owner", "a\tb", "a\nb", " a", "a ",
		("\xe2\x80\xae"
		 "evil"),
		"\xff", "123456789012345678901234567890123456789012345678901234"};
	EMR_AUTO_BOOK book = {0};
	emr_book_change change;
	char code[EMR_KEY_CODE_MAX + 1], names[400];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(emr_who_is_ok(bad[i]));
		assert_status(EMR_INVALID, put(&book, other, "Ana", NOW, bad[i], &change));
	}
	/* Lima's code, of 26 letters or all, is no name of mallory's, whoever says it: the code is
	 * hers, and a book that has it as a name all the same finds her by it. */
	for (size_t letters = EMR_KEY_CODE_NAMES; letters <= EMR_KEY_CODE_MAX; letters += 26) {
		EMR_AUTO_BOOK two = {0};
		size_t index = 9;

		assert_ok(put(&two, third, "Lima", NOW, "lima", &change));
		emr_key_code(two.people[0].card.signer_id, letters, code);
		assert_false(emr_who_is_ok(code));
		assert_status(EMR_INVALID, put(&two, other, "Mallory", NOW, code, &change));
		assert_ok(put(&two, other, code, NOW, NULL, &change));
		assert_ok(emr_book_find(&two, code, &index, names, sizeof names));
		assert_string_equal(two.people[index].who, "lima");
		index = 1 - index;
		assert_string_not_equal(two.people[index].who, code);
		snprintf(two.people[index].who, sizeof two.people[index].who, "%s", code);
		assert_ok(emr_book_find(&two, code, &index, names, sizeof names));
		assert_string_equal(two.people[index].who, "lima");
	}
	/* A card whose own name will not do is known by its code. */
	assert_ok(put(&book, other, "../../etc", NOW, NULL, &change));
	emr_key_code(book.people[0].card.signer_id, EMR_KEY_CODE_NAMES, code);
	assert_string_equal(book.people[0].who, code);
}

/* A book from before emrfs said "you" and "somebody": it stays whole, and its names find people. */
TEST(a_name_that_was_good_when_it_was_chosen_is_read)
{
	static const char *const words[] = {"Somebody", "the owner", "you"};
	EMR_AUTO_BOOK book = {0};
	emr_book_change change;
	char names[400];
	size_t index = 9;

	assert_ok(put(&book, other, "Ana", NOW, "ana", &change));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		EMR_AUTO_BOOK again = {0};

		assert_status(EMR_INVALID, put(&book, third, "Rui", NOW, words[i], &change));
		(void)snprintf(book.people[0].who, sizeof book.people[0].who, "%s", words[i]);
		assert_ok(emr_book_save(mine, fd, &book));
		assert_ok(emr_book_load(mine, fd, &again));
		assert_ok(emr_book_find(&again, words[i], &index, names, sizeof names));
		assert_int_equal(index, 0);
	}
	(void)snprintf(book.people[0].who, sizeof book.people[0].who, "a@b");
	assert_ok(emr_book_save(mine, fd, &book));
	assert_status(EMR_DAMAGED, emr_book_load(mine, fd, &(emr_book){0}));
	unlinkat(fd, EMR_STATE_BOOK, 0);
}

TEST(what_is_no_card_of_a_person_is_refused)
{
	EMR_AUTO_BOOK book = {0};
	EMR_AUTO_BUF card = {0};
	emr_book_change change;
	size_t index;

	assert_ok(emr_card_make_domain(
		other, net, (emr_id16){{3}}, 1, 1, NOW, NOW + 9, "Ana", "", &card));
	assert_status(EMR_UNSUPPORTED,
		emr_book_put(&book, emr_buf_view(&card), NULL, NOW, &index, &change));
	emr_buf_clear(&card);
	assert_ok(emr_card_make_person(other, net, NOW, NOW + 9, "Ana", "", &card));
	for (size_t at = 0; at < card.len; at++) {
		card.data[at] ^= 1;
		assert_int_not_equal(
			emr_book_put(&book, emr_buf_view(&card), NULL, NOW, &index, &change),
			EMR_OK);
		card.data[at] ^= 1;
	}
	assert_ok(emr_buf_append_zeros(&card, EMR_BOOK_CARD_MAX));
	assert_status(
		EMR_LIMIT, emr_book_put(&book, emr_buf_view(&card), NULL, NOW, &index, &change));
	assert_int_equal(book.n, 0);
}

TEST(the_book_has_an_end)
{
	EMR_AUTO_BOOK book = {0};
	emr_book_change change;

	book.people = calloc(EMR_BOOK_PEOPLE_MAX, sizeof *book.people);
	book.n = EMR_BOOK_PEOPLE_MAX;
	assert_non_null(book.people);
	assert_status(EMR_LIMIT, put(&book, other, "Ana", NOW, NULL, &change));
}

TEST(a_code_is_drawn_with_its_quiet_zone)
{
	EMR_AUTO_BUF text = {0};
	size_t lines = 0;
	unsigned columns;
	char long_text[5000];

	assert_status(EMR_RANGE, emr_qr_draw("EMRFS:ABCDEFGH", 28, &columns, &text));
	assert_int_equal(columns, 29);
	assert_int_equal(text.len, 0);
	assert_ok(emr_qr_draw("EMRFS:ABCDEFGH", 29, &columns, &text));
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	assert_int_equal(lines, 15); /* 21 modules and twice 4, two a line, rounded up */
	assert_int_equal(memcmp(text.data, "\033[30;107m      ", 14), 0);
	memset(long_text, 'A', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_status(EMR_LIMIT, emr_qr_draw(long_text, 80, &columns, &text));
}

TESTS(begin, end)
