/* This file is `emrfs words` alone: it shows the 24 words to a person who knows the passphrase, and
 * hands them out for `emrfs init`. They lie in locked memory that is wiped. */
#include "verbs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/words.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "session/keys.h"

typedef struct words_page {
	char words[EMR_WORDS][EMR_WORD_CHARS];
	char text[EMR_WORDS * (EMR_WORD_CHARS + 8) + 1024];
} words_page;

/* With the words and no text yet; sodium_free wipes it, and takes NULL. */
static emr_status words_page_new(const emr_keyring *keyring, words_page **out_page)
{
	words_page *page = sodium_malloc(sizeof *page);
	emr_status status = page != NULL ? emr_keyring_words(keyring, page->words) : EMR_NO_MEMORY;

	if (status == EMR_OK)
		*out_page = page;
	else
		sodium_free(page);
	return status;
}

/* As a try before wrote it, that was killed then. */
static bool has_text(const char *file, const char *text, size_t len)
{
	char *there = sodium_malloc(len);
	EMR_AUTO_FD fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool is_same = there != NULL && fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		       (st.st_mode & 077) == 0 && st.st_size == (off_t)len &&
		       read(fd, there, len) == (ssize_t)len && memcmp(there, text, len) == 0;

	sodium_free(there);
	return is_same;
}

emr_status emr_words_write(const emr_keyring *keyring, const char *file, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = -1;
	words_page *page = NULL;
	size_t len = 0;
	emr_status status = words_page_new(keyring, &page);

	for (size_t i = 0; status == EMR_OK && i < EMR_WORDS; i++)
		len += (size_t)snprintf(page->text + len, sizeof page->text - len, "%2zu %s\n",
			i + 1, page->words[i]);
	if (status == EMR_OK && has_text(file, page->text, len)) {
		sodium_free(page);
		return EMR_OK;
	}
	if (status == EMR_OK) {
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		status = fd < 0 ? emr_status_from_errno(errno) : EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_pwrite_all(fd, page->text, len, 0);
	if (status == EMR_OK && fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	sodium_free(page);
	if (status != EMR_OK && fd >= 0) /* not half of them, nor an empty file in the way */
		(void)unlink(file);
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_WORDS_FILE, "file", file, "cause",
			emr_text(emr_status_text(status)), NULL);
	return status;
}

emr_status emr_words_show(const emr_keyring *keyring, const char *end)
{
	words_page *page = NULL;
	size_t len;
	emr_status status;

	EMR_TRY(words_page_new(keyring, &page));
	len = (size_t)snprintf(page->text, sizeof page->text,
		_("Write these 24 words on paper and keep them safe. They bring your keyring back "
		  "when the\npassphrase or this computer is lost. Nobody else may see them: they "
		  "open all your records.\n\n"));
	for (size_t i = 0; i < EMR_WORDS / 4; i++)
		len += (size_t)snprintf(page->text + len, sizeof page->text - len,
			"  %2zu %-9s  %2zu %-9s  %2zu %-9s  %2zu %-9s\n", i + 1, page->words[i],
			i + 7, page->words[i + 6], i + 13, page->words[i + 12], i + 19,
			page->words[i + 18]);
	snprintf(page->text + len, sizeof page->text - len, "%s", end);
	status = emr_terminal_show_page(page->text);
	sodium_free(page);
	return status;
}

emr_status emr_words_hand_out(
	const emr_args *args, const emr_places *places, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_WORDS_FILE];
	EMR_AUTO_FD state_fd = -1;
	EMR_AUTO_KEYRING keyring = NULL;
	emr_status status;

	EMR_TRY(emr_places_open_state(places, false, &state_fd, out_problem));
	/* Said before the passphrase is asked for. */
	if (file == NULL && !emr_terminal_there())
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
	EMR_TRY(emr_keys_open(state_fd, places->state, args->values[EMR_OPT_PASSPHRASE_FILE],
		&keyring, out_problem));
	if (emr_keyring_kind_of(keyring) != EMR_KEYRING_PERSON)
		return emr_wrong_use("words",
			_("The 24 words are those of your first computer: this keyring has none."),
			out_problem);
	if (file != NULL)
		return emr_words_write(keyring, file, out_problem);
	status = emr_words_show(keyring,
		emr_terminal_is_dialog()
			? _("\nThen press Enter, and they leave the screen.\n")
			: _("\nThen press Enter, and they leave the screen. "
			    "emrfs recover --test asks whether what you wrote is right.\n"));
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, _("The words"));
}
