import { UploadForm } from './upload-form';

export default function Page() {
  return (
    <main>
      <h1>Send us your film</h1>
      <UploadForm />
    </main>
  );
}
