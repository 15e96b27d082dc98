// A key beside what it does, told apart from the words around it.

export const Key = ({ name }: { name: string }) => <kbd class="va-kbd">{name}</kbd>;
