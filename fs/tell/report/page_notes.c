/* This file writes notes of the report page about records that need a person's look, such as a
 * signature that does not fit. */
#include "page_notes.h"

#include <stdlib.h>
#include <string.h>

#include "kit/language.h"
#include "people/origin.h"
#include "report/html.h"
#include "view/walk.h"

emr_status page_notes_look(
	page_notes *notes, const emr_session *session, uint64_t node, const char *path)
{
	EMR_AUTO_FREE char *signature = NULL;
	const char *note;
	bool is_gap;
	char *copy;

	if (emr_attribute_text(session->view, node, "signature", &signature) != EMR_OK)
		return EMR_OK;
	note = emr_origin_note(signature);
	is_gap = strcmp(note, "amendment gap") == 0;
	if (!is_gap && strcmp(note, "superseded") != 0)
		return EMR_OK;
	if (notes->n == PAGE_NOTES_MAX) {
		notes->more++;
		return EMR_OK;
	}
	copy = strdup(path);
	if (copy == NULL)
		return EMR_NO_MEMORY;
	notes->list[notes->n++] = (page_note){.path = copy, .is_gap = is_gap};
	return EMR_OK;
}

static void open_line(FILE *to)
{
	fputs("<li><span class=\"mark warn\" aria-hidden=\"true\">!</span><span>", to);
}

void page_notes_put(FILE *to, const page_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		open_line(to);
		emr_html_name(to, notes->list[i].path);
		emr_hint_print(to, notes->list[i].is_gap
					   ? N_(" amends a version that is not here any more. Ask "
						"who signed it.")
					   : N_(" is superseded: somebody else has signed a newer "
						"version, and "
						"you put this one back on top of it. Both: "
						"<code>emrfs restore --list PATH</code>"));
		fputs("</span></li>\n", to);
	}
	if (notes->more == 0)
		return;
	open_line(to);
	emr_html_counted(to, notes->more,
		"%s more file is superseded or amends what is not here: the column <code>note"
		"</code> of <a href=\"index.csv\">index.csv</a>.",
		"%s more files are superseded or amend what is not here: the column <code>note"
		"</code> of <a href=\"index.csv\">index.csv</a>.");
	fputs("</span></li>\n", to);
}

void page_notes_free(page_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		free(notes->list[i].path);
}
