#!/usr/bin/env node
import './small-heap.js';

// Not a static import: those are all loaded before the first line of any of them runs, and by then the heap is large.
await import('./command.js');
