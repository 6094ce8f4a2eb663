mod corpora;
mod fixtures;
mod hostile;
mod placeholder;
mod properties;
mod writer;
