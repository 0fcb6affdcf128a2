/* This file puts entries of a desktop's menus (packaging/) where a sentence names a command: the
 * reader of a window has no terminal to type it in. */
#include "kit_private.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kit/language.h"

/* A command that begins with another one comes before it. */
static const struct {
	const char *command;
	const char *entry; /* as packaging/desktop and packaging/actions call it; NULL: none does,
			      and it is nothing to do in a window */
} entries[] = {
	{"emrfs help", NULL},
	{"emrfs mount", N_("Medical Records")},
	{"emrfs init --restore", N_("Medical Records: Bring Back")},
	{"emrfs init", N_("Medical Records")},
	{"emrfs words", N_("My 24 words")},
	{"emrfs trustees stop", N_("Trustees and executor")},
	{"emrfs trustees set", N_("Trustees and executor")},
	{"emrfs trustees help", N_("Trustees and executor")},
	{"emrfs trustees words", N_("Trustees and executor")},
	{"emrfs executor set", N_("Trustees and executor")},
	{"emrfs device remove executor", N_("Trustees and executor")},
	{"emrfs recover", N_("Medical Records: New Passphrase")},
	{"emrfs join", N_("Medical Records: Join a Network")},
	{"emrfs invite", N_("Invite somebody")},
	{"emrfs people add", N_("Medical Records: Take a Card")},
	{"emrfs people check", N_("Medical Records: Take a Card")},
	{"emrfs people card", N_("My card, to hand out")},
	{"emrfs backup", N_("Make a second copy")},
	{"emrfs unmount --purge", N_("Close the folder")},
	{"emrfs unmount", N_("Close the folder")},
	{"emrfs request", N_("Who asks for something")},
	{"emrfs emergency prepare", N_("Prepare for an emergency")},
	{"emrfs emergency second --reason TEXT", N_("Open in an emergency")},
	{"emrfs emergency CARD --reason TEXT", N_("Open in an emergency")},
	{"emrfs restore --list", N_("Earlier versions")},
};

/* Bytes of the blank and the argument at AT: DIR, '{path}', EMRFS:..., up to a tag of a page.
 * 0: none, and prose goes on.
 * *out_is_else: an option, or what printf fills in, which is nothing that may be left out. */
static size_t argument(const char *at, bool *out_is_else)
{
	size_t len = at[0] == ' ' ? strcspn(at + 1, " \n<") : 0;
	bool has_upper = false, has_lower = false;

	if (len == 0)
		return 0;
	if (strchr(".,;:)", at[len]) != NULL)
		len--;
	for (size_t i = 1; i <= len; i++) {
		has_upper = has_upper || (at[i] >= 'A' && at[i] <= 'Z');
		has_lower = has_lower || (at[i] >= 'a' && at[i] <= 'z');
		*out_is_else = *out_is_else || at[i] == '%';
	}
	*out_is_else = *out_is_else || strncmp(at + 1, "--", 2) == 0;
	if (at[1] == '{' || at[1] == '\'' || (has_upper && !has_lower))
		return len + 1;
	return 0;
}

/* Bytes of the command at TEXT that *out_entry does as well; 0: none. */
static size_t command(const char *text, const char **out_entry)
{
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		size_t len = strlen(entries[i].command), more;
		bool is_else = false;

		if (strncmp(text, entries[i].command, len) != 0 ||
			(text[len] != '\0' && strchr(" \n.,;:)<", text[len]) == NULL))
			continue;
		while ((more = argument(text + len, &is_else)) > 0)
			len += more;
		*out_entry = entries[i].entry;
		return is_else ? 0 : len;
	}
	return 0;
}

void emr_menu_words(const char *text, char *out, size_t size)
{
	size_t at = 0;

	while (*text != '\0' && at + 1 < size) {
		const char *entry = NULL;
		size_t len = command(text, &entry);
		int n = 0;

		if (len == 0) {
			out[at++] = *text++;
			continue;
		}
		if (entry != NULL)
			n = snprintf(out + at, size - at, _("\"%s\" in the menu"), emr_text(entry));
		if (n < 0 || (size_t)n >= size - at)
			break;
		at += (size_t)n;
		text += len;
	}
	out[at] = '\0';
}
