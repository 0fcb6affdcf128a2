/* This draws a line over time as SVG that follows the page's colours and width. */
#pragma once

#include "page_facts.h"

/* Of the files, or of the bytes. */
void page_chart(FILE *to, const page_facts *facts, bool of_bytes);
