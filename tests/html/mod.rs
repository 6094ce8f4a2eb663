mod corpora;
mod fields;
mod fixtures;
mod hostile;
mod placeholder;
mod properties;
mod writer;
